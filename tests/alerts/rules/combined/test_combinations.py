"""Combinations of rules: they begin and end with their members, and hold over a restart."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.rules.combined.combinations import name_of, words_of
from alerts.rules.stages import stages
from devices.vitals import Vital
from devices.wire.control import Combination, Level, Limit, PausedRule, Pauses, RuleSet
from streams.engine.snapshot.recall import Recall
from streams.engine.snapshot.snapshot import unpack
from streams.engine.testing import PatientLog

LIMITS = (
    Limit(Vital.TEMPERATURE, "high", Level(38.0)),
    Limit(Vital.SYSTOLIC, "low", Level(100.0)),
    Limit(Vital.GLUCOSE, "high", Level(250.0)),
)
BOTH = Combination("fever_and_shock", ("temperature.high", "systolic.low"), priority="high")
ANY_TWO = Combination("two", (), ("temperature.high", "systolic.low", "glucose.high"), 2)
VALUES = {Vital.TEMPERATURE: (37.0, 39.0), Vital.SYSTOLIC: (120.0, 90.0), Vital.GLUCOSE: (100.0, 300.0)}


def home(*combined: Combination) -> PatientLog:
    it = PatientLog(stages())
    it.control(RuleSet(1, LIMITS, combined=combined))
    return it


def phases(it: PatientLog, name: str) -> list[tuple[str, str]]:
    return [(one.phase, one.priority.name) for one in it.conditions(f"combined.{name}")]


def set_to(it: PatientLog, *beyond: Vital) -> None:
    for vital, (inside, outside) in VALUES.items():
        it.measure(vital, outside if vital in beyond else inside)
    it.wait(1)


def test_all_of_some_rules_make_one_that_says_which() -> None:
    it = home(BOTH)
    set_to(it, Vital.TEMPERATURE)
    assert phases(it, "fever_and_shock") == []
    set_to(it, Vital.TEMPERATURE, Vital.SYSTOLIC)
    assert phases(it, "fever_and_shock") == [("onset", "HIGH")]
    (onset,) = it.conditions("combined.fever_and_shock")
    assert onset.second == it.now, "in the second of its last member"
    assert onset.detail["rules"] == ["temperature.high", "systolic.low"]
    set_to(it, Vital.SYSTOLIC)
    assert phases(it, "fever_and_shock")[1:] == [("end", "HIGH")]


def test_a_pause_ends_it_and_so_does_a_set_without_it() -> None:
    it = home(BOTH)
    set_to(it, Vital.TEMPERATURE, Vital.SYSTOLIC)
    it.control(Pauses((PausedRule("combined.fever_and_shock", (it.now + 30) * 1000),)))
    it.wait(35)
    assert [phase for phase, _ in phases(it, "fever_and_shock")] == ["onset", "end", "onset"]
    it.control(RuleSet(2, LIMITS))
    it.wait(2)
    assert phases(it, "fever_and_shock")[3:] == [("end", "HIGH")]


def test_a_rule_that_nobody_knows_makes_none() -> None:
    it = home(Combination("odd", ("temperature.high", "skin.blue")), Combination("empty"))
    set_to(it, Vital.TEMPERATURE, Vital.SYSTOLIC)
    assert phases(it, "odd") == phases(it, "empty") == []


@settings(max_examples=25, deadline=None, derandomize=True, database=None)
@given(st.lists(st.sets(st.sampled_from(sorted(VALUES))), min_size=1, max_size=8), st.integers(0, 7))
def test_they_equal_their_definition_and_a_restart_changes_nothing(states: list[set[Vital]], cut: int) -> None:
    it = home(BOTH, ANY_TWO)
    before, wanted = (False, False), {"fever_and_shock": 0, "two": 0}
    for number, beyond in enumerate(states):
        if number == cut:
            state = it.engine.snapshot(it.partition)
            it.engine = PatientLog(stages()).engine
            it.engine.take(it.partition, unpack(state, it.partition), Recall())
        set_to(it, *beyond)
        now = {Vital.TEMPERATURE, Vital.SYSTOLIC} <= beyond, len(beyond) >= 2
        for name, was, is_now in zip(wanted, before, now, strict=True):
            wanted[name] += was != is_now
        before = now
    assert {name: len(phases(it, name)) for name in wanted} == wanted


@given(st.from_regex(r"\A[a-z][a-z0-9_]{0,23}\Z"))
def test_a_name_is_kept_in_numbers(name: str) -> None:
    assert name_of(words_of(name)) == name
