"""The mean and the rise of NEWS2, MEWS and qSOFA as rules: by hand, by their definition, and after a restart."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.rules.scores.history import LENGTH, ScoreState
from alerts.rules.stages import stages
from devices.vitals import Vital
from devices.wire.control import Facts, Mews, Qsofa, RuleSet, Score, ScoreMean, ScoreRise
from streams.engine.columns.axis import Axis
from streams.engine.snapshot.recall import Recall
from streams.engine.snapshot.snapshot import unpack
from streams.engine.testing import PatientLog, clock_record

HEALTHY = {Vital.RESPIRATORY_RATE: 16.0, Vital.SPO2: 98.0, Vital.SYSTOLIC: 120.0, Vital.HEART_RATE: 70.0}


def home(*scores: Score) -> PatientLog:
    it = PatientLog(stages())
    it.control(RuleSet(1, scores=scores, news2_medium=20, news2_high=20, agree=(), no_value_s=80_000))
    it.control(Facts(born="1950-02-03", oxygen=False, consciousness="A"))
    return it


def live(it: PatientLog, minutes: int, **changed: float) -> None:
    """So many minutes at these values."""
    for _ in range(minutes):
        for vital, value in HEALTHY.items():
            it.measure(vital, changed.get(vital.name.lower(), value))
        for _ in range(6):
            it.now += 10
            it.append(clock_record(it.now * 1000))


def phases(it: PatientLog, rule: str) -> list[tuple[str, str]]:
    return [(one.phase, one.priority.name) for one in it.conditions(rule)]


def test_the_mean_of_hours_begins_late_and_ends_late() -> None:
    it = home(ScoreMean(limit=2.0, until=1.0, hours=2))
    live(it, 40)
    live(it, 2, respiratory_rate=26.0, spo2=93.0)
    assert phases(it, "news2_mean") == [], "two minutes at 5 move no mean of hours"
    live(it, 40, respiratory_rate=26.0, spo2=93.0)
    assert phases(it, "news2_mean") == [("onset", "MEDIUM")]
    (onset,) = it.conditions("news2_mean")
    assert onset.value is not None and 2.0 <= onset.value < 3.0 and onset.limit == 2.0
    live(it, 20)
    assert phases(it, "news2_mean") == [("onset", "MEDIUM")]
    live(it, 120)
    assert phases(it, "news2_mean")[1:] == [("end", "MEDIUM")]


def test_a_rise_counts_from_what_was_usual_and_does_not_end_because_it_lasts() -> None:
    it = home(ScoreRise(by=2, least=3, hours=2))
    live(it, 40, heart_rate=95.0)
    assert phases(it, "news2_rise") == []
    live(it, 2, heart_rate=95.0, respiratory_rate=26.0)
    assert phases(it, "news2_rise") == [("onset", "MEDIUM")]
    live(it, 150, heart_rate=95.0, respiratory_rate=26.0)
    assert phases(it, "news2_rise") == [("onset", "MEDIUM")]
    live(it, 2, heart_rate=95.0)
    assert phases(it, "news2_rise")[1:] == [("end", "MEDIUM")]


def test_mews_and_qsofa_are_low_and_call_nobody() -> None:
    it = home(Mews(), Qsofa())
    live(it, 2, respiratory_rate=30.0, systolic=99.0, heart_rate=120.0)
    assert phases(it, "mews") == [("onset", "LOW")]
    assert phases(it, "qsofa") == [("onset", "LOW")]
    it.control(RuleSet(2, agree=()))
    live(it, 1)
    assert phases(it, "mews")[1:] == phases(it, "qsofa")[1:] == [("end", "LOW")]


def test_scores_go_on_after_a_restart() -> None:
    it, other = (home(ScoreMean(limit=2.0, until=1.0, hours=2)) for _ in range(2))
    for one in (it, other):
        live(one, 45, respiratory_rate=22.0)
    state = other.engine.snapshot(other.partition)
    other.engine = PatientLog(stages()).engine
    other.engine.take(other.partition, unpack(state, other.partition), Recall())
    for one in (it, other):
        live(one, 20, respiratory_rate=26.0)
        live(one, 125)
    assert it.reported() == other.reported()
    assert phases(it, "news2_mean") == [("onset", "MEDIUM"), ("end", "MEDIUM")]


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(st.lists(st.tuples(st.integers(1, 200), st.integers(-1, 20)), min_size=1, max_size=40), st.integers(1, LENGTH))
def test_a_window_is_its_minutes(steps: list[tuple[int, int]], hours: int) -> None:
    axis = Axis()
    state = ScoreState(axis, None)
    rows = axis.add(np.zeros(1, np.int64))
    minute, given_ = 1000, dict[int, int]()
    for step, total in steps:
        minute += step
        given_[minute] = total
        state.enter(axis.of(0), minute, np.array([total], np.int8))
    n, total_ = state.window(rows, hours, minute // 60)
    inside = [one for at, one in given_.items() if minute // 60 - hours < at // 60 and one >= 0]
    assert (n.tolist(), total_.tolist()) == ([len(inside)], [sum(inside)])
    if inside:
        assert Fraction(int(total_[0]), int(n[0])) == Fraction(sum(inside), len(inside))


@pytest.mark.parametrize("born", [None, "2020-01-01"])
def test_nobody_without_a_known_adult_age_is_scored(born: str | None) -> None:
    it = home(Mews())
    it.control(Facts(born=born, oxygen=False, consciousness="A"))
    live(it, 2, respiratory_rate=30.0, systolic=70.0)
    assert phases(it, "mews") == []
