"""Trends: drifts against the patient's own baseline, slopes of an hour, gains of days."""

from __future__ import annotations

import numpy as np

from alerts.rules.stages import stages
from alerts.rules.trends.drift import TrendState, bound_of, learn, sigma_of
from alerts.rules.trends.half_slope import twice_median
from alerts.rules.trends.trend_table import TrendTable
from devices.vitals import Vital
from devices.wire.control import Change, Drift, PausedRule, Pauses, RuleSet, Slope, Trend, decode_control
from devices.wire.event import Contact
from streams.engine.columns.axis import Axis
from streams.engine.series.closed import ClosedMinutes
from streams.engine.series.rollup import DUE
from streams.engine.snapshot.recall import Recall
from streams.engine.snapshot.snapshot import unpack
from streams.engine.testing import PatientLog, clock_record

RISING = Slope(Vital.HEART_RATE, "high", 12.0, 10, 4.0, "medium")
GAIN = Change(Vital.WEIGHT, "high", 1.0, 72, 0.2)


def home(*trends: Trend) -> PatientLog:
    at_home = PatientLog(stages())
    at_home.control(RuleSet(1, trends=trends))
    at_home.wait(10)
    return at_home


def minutes(it: PatientLog, vital: Vital, *values: float, loose: bool = False) -> None:
    """Each for a minute: a reading every 10 s; ``loose``: at the end of each the sensor comes off for some seconds."""
    for value in values:
        for _ in range(6):
            it.measure(vital, value)
            it.now += 10
            it.append(clock_record(it.now * 1000))
            if loose and it.now % 60 == 0:
                it.event(Contact((it.now + 1) * 1000, on=False))


def trend(it: PatientLog) -> list[tuple[str, str, str]]:
    return [(rule.partition(".")[2], phase, level) for _, rule, phase, level in it.reported() if "." in rule]


def test_a_rule_set_without_trends_says_nothing_of_them() -> None:
    it = home()
    assert decode_control(b'{"kind": "rule_set", "version": 1}') == RuleSet(1)
    minutes(it, Vital.HEART_RATE, *range(60, 100, 4))
    assert not trend(it)


def test_a_rise_over_the_window_begins_and_ends_with_hysteresis() -> None:
    it = home(RISING)
    minutes(it, Vital.HEART_RATE, *[70] * 6, *(70 + k / 3 for k in range(12)))
    assert trend(it) == [("rising", "onset", "MEDIUM")]
    onset = next(one for writes in it.written for one in writes.conditions if one.rule == "heart_rate.rising")
    assert onset.second % 60 == DUE[it.partition]
    assert onset.value is not None and 12 < onset.value <= 20
    assert onset.limit == 12
    minutes(it, Vital.HEART_RATE, *[74] * 12)
    assert trend(it)[1:] == [("rising", "end", "MEDIUM")]


def test_a_third_of_the_pairs_being_wild_moves_no_slope() -> None:
    it = home(RISING, Slope(Vital.HEART_RATE, "low", 12.0, 60))
    minutes(it, Vital.HEART_RATE, *(70 if k % 10 < 9 else 200 for k in range(40)))
    assert not trend(it)


def test_a_slope_of_too_few_minutes_begins_nothing_and_silence_ends_none() -> None:
    it = home(RISING)
    minutes(it, Vital.HEART_RATE, *(70 + k for k in range(10)))
    assert trend(it) == [("rising", "onset", "MEDIUM")]
    for _ in range(400):
        it.now += 5
        it.append(clock_record(it.now * 1000))
    assert trend(it) == [("rising", "onset", "MEDIUM")]


def test_a_pause_ends_a_trend_at_once_and_a_loose_sensor_begins_none() -> None:
    it = home(RISING)
    minutes(it, Vital.HEART_RATE, *(70 + k for k in range(10)))
    it.control(Pauses((PausedRule("heart_rate.rising", (it.now + 100_000) * 1000),)))
    it.wait()
    assert trend(it) == [("rising", "onset", "MEDIUM"), ("rising", "end", "MEDIUM")]
    off = home(RISING)
    minutes(off, Vital.HEART_RATE, *(70 + k for k in range(10)), loose=True)
    assert not trend(off)


def test_a_patient_who_leaves_the_own_baseline_drifts_until_back() -> None:
    it = home(Drift(Vital.HEART_RATE, 10.0, 1.0, 1.0, 1024, priority="low"))
    minutes(it, Vital.HEART_RATE, *(70 + k % 3 for k in range(70)))
    assert not trend(it)
    minutes(it, Vital.HEART_RATE, *[78] * 4)
    assert trend(it) == [("drift_high", "onset", "LOW")]
    onset = next(one for writes in it.written for one in writes.conditions if one.rule == "heart_rate.drift_high")
    assert onset.value == 78
    assert onset.limit is not None and 70 < onset.limit < 72
    minutes(it, Vital.HEART_RATE, *[70] * 20)
    assert trend(it)[1:] == [("drift_high", "end", "LOW")]


def test_a_drift_is_the_same_after_a_restart_in_the_middle() -> None:
    it = home(Drift(Vital.HEART_RATE, 10.0, 1.0, 1.0, 1024))
    minutes(it, Vital.HEART_RATE, *(70 + k % 3 for k in range(70)), 78)
    state, other = it.engine.snapshot(it.partition), PatientLog(stages()).engine
    other.drop(it.partition)
    other.take(it.partition, unpack(state, it.partition), Recall())
    for name in TrendState.FIELDS:
        mine, theirs = (e.layout.dense.axis.tables["trends"] for e in (it.engine, other))
        columns = it.engine.layout.dense.axis.of(it.partition), other.layout.dense.axis.of(it.partition)
        assert np.array_equal(getattr(mine, name)[..., columns[0]], getattr(theirs, name)[..., columns[1]])


def test_weight_gained_within_three_days_is_told_and_counts_from_the_lowest_reading() -> None:
    it = home(GAIN)
    for day, kilograms in enumerate((80.0, 79.8, 80.4, 80.5)):
        it.measure(Vital.WEIGHT, kilograms, at=it.now - (4 - day) * 86_400)
        it.wait(2)
    assert trend(it) == []
    it.measure(Vital.WEIGHT, 80.9)
    it.wait(2)  # the lowest was four days ago
    assert trend(it) == []
    it.measure(Vital.WEIGHT, 81.4)
    it.wait(2)
    assert trend(it) == [("gain", "onset", "LOW")]
    it.measure(Vital.WEIGHT, 81.3)
    it.wait(2)
    it.measure(Vital.WEIGHT, 80.5)
    it.wait(2)
    assert trend(it)[1:] == [("gain", "end", "LOW")]


def test_baselines_and_sums_are_whole_numbers_of_any_size() -> None:
    axis = Axis()
    state = TrendState(axis, None)
    columns = axis.add(np.zeros(3, np.int64))
    table, vital = TrendTable((Drift(Vital.SPO2, 4.0, 0.5, 0.5, 64),)), np.full(3, Vital.SPO2, np.uint8)
    for minute in range(200):
        mean = np.array([0, 32_767, 970 + minute % 5]) << 8
        learn(state, table, columns, vital, mean, minute)
    assert state.level[columns[:2]].tolist() == [0, 32_767 << 24]
    assert (state.sums[:, columns] <= 2 * bound_of(table, 0, vital, sigma_of(state, table, columns, vital))).all()


def test_the_median_of_an_even_number_of_pairs_lies_between_the_middle_two() -> None:
    axis = Axis()
    table = ClosedMinutes(axis, None)
    column = axis.add(np.zeros(1, np.int64))
    for minute, value in enumerate((10, 10, 10, 10, 11, 12, 14, 90)):
        table.n[minute, column], table.sum[minute, column] = 1, value
    twice, known = twice_median(table, 7, 8, column)
    assert (twice.tolist(), known.tolist()) == ([(2 + 4) * 256], [True])
    table.n[[0, 1, 2], column] = 0
    assert not twice_median(table, 7, 8, column)[1].any()
