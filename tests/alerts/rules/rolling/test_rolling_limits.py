"""Limits on rolling figures."""

from __future__ import annotations

from typing import Literal

import pytest

from alerts.rules.stages import stages
from devices.vitals import Vital
from devices.wire.control import PausedRule, Pauses, Rolling, RuleSet
from streams.engine.snapshot.recall import Recall
from streams.engine.snapshot.snapshot import unpack
from streams.engine.testing import PatientLog, clock_record

Figure = Literal["mean", "median", "share"]

SPO2 = Vital.SPO2
MEAN = Rolling(SPO2, "low", "mean", 300, 92.0, hysteresis=1.0)


def home(*rolling: Rolling) -> PatientLog:
    it = PatientLog(stages(), interval_s=1)
    it.control(RuleSet(1, rolling=rolling, no_value_s=1000))
    return it


def reported(it: PatientLog, rule: str) -> list[tuple[str, str]]:
    return [(one.phase, one.priority.name) for one in it.conditions(rule)]


def test_a_mean_that_is_below_its_limit_begins_though_no_value_stays_there() -> None:
    it = home(MEAN)
    it.measure_each_second(SPO2, [88, 94] * 60)
    (onset,) = it.conditions("spo2.low_mean_5min")
    assert (onset.phase, onset.priority.name, onset.source, onset.value, onset.limit) == ("onset", "MEDIUM", 0, 91, 92)
    assert onset.detail["window_s"] == 300


def test_a_short_dip_moves_no_mean_and_it_ends_once_it_is_back_by_the_hysteresis() -> None:
    it = home(MEAN)
    it.measure_each_second(SPO2, [97] * 280 + [80] * 20 + [97] * 60)
    assert reported(it, "spo2.low_mean_5min") == []
    it.measure_each_second(SPO2, [85] * 180)
    it.measure_each_second(SPO2, [97] * 300)
    assert [phase for phase, _ in reported(it, "spo2.low_mean_5min")] == ["onset", "end"]


@pytest.mark.parametrize(("beyond", "raised"), [(4, True), (3, False)])
def test_a_share_of_the_values_outside(beyond: int, raised: bool) -> None:
    it = home(Rolling(SPO2, "low", "share", 60, 92.0, share=80))
    it.measure_each_second(SPO2, ([90] * beyond + [95] * (5 - beyond)) * 30)
    assert bool(it.conditions("spo2.low_share_1min")) == raised
    if raised:
        assert it.conditions("spo2.low_share_1min")[0].detail["share"] == pytest.approx(80, abs=1)


def test_a_median_leaves_out_what_jumps() -> None:
    it = home(Rolling(Vital.HEART_RATE, "high", "median", 60, 110.0))
    it.measure_each_second(Vital.HEART_RATE, [80, 80, 250] * 40)
    assert reported(it, "heart_rate.high_median_1min") == []
    it.measure_each_second(Vital.HEART_RATE, [115] * 120)
    assert reported(it, "heart_rate.high_median_1min") == [("onset", "MEDIUM")]


def test_an_hour_has_a_mean() -> None:
    it = home(Rolling(SPO2, "low", "mean", 3600, 92.0, priority="low"))
    it.measure(SPO2, *[90] * 60, at=it.now - 60)
    it.wait(120)
    assert reported(it, "spo2.low_mean_1h") == [("onset", "LOW")]


def test_few_values_begin_and_end_nothing_and_a_pause_or_a_rule_that_is_gone_do() -> None:
    it = home(MEAN)
    it.measure(SPO2, *[80] * 9)
    it.wait(100)
    assert reported(it, "spo2.low_mean_5min") == []
    it.measure_each_second(SPO2, [85] * 70)
    it.wait(700)
    assert reported(it, "spo2.low_mean_5min") == [("onset", "MEDIUM")], "silence ends nothing"
    it.control(RuleSet(2, no_value_s=1000))
    it.wait(61)
    assert reported(it, "spo2.low_mean_5min")[1:] == [("end", "MEDIUM")]
    it.control(RuleSet(3, rolling=(MEAN,), no_value_s=1000))
    it.measure_each_second(SPO2, [85] * 70)
    it.control(Pauses((PausedRule("spo2.low_mean_5min", (it.now + 600) * 1000),)))
    it.wait(61)
    assert [phase for phase, _ in reported(it, "spo2.low_mean_5min")[2:]] == ["onset", "end"]


def test_what_no_window_has_is_no_rule() -> None:
    it = home(Rolling(Vital.WEIGHT, "high", "mean", 60, 1.0))
    it.measure(Vital.WEIGHT, 80)
    it.wait(70)
    assert not [one for one in it.conditions() if one.category == "physiological"]


def hours(it: PatientLog, *values: float) -> None:
    """An hour at each value, a reading every 10 s."""
    for value in values:
        for _ in range(360):
            it.measure(SPO2, value)
            it.now += 10
            it.append(clock_record(it.now * 1000))


@pytest.mark.parametrize(("figure", "raised"), [
    ("mean", True), ("median", False), pytest.param("share", False, marks=pytest.mark.full),
])  # fmt: skip
def test_four_hours_have_a_mean_a_median_and_a_share_of_hours(figure: Figure, raised: bool) -> None:
    it = home(Rolling(SPO2, "low", figure, 14_400, 92.0, share=80))
    hours(it, 96, 96, 96)
    for _ in range(240):  # forty minutes of one hour
        it.measure(SPO2, 60)
        it.now += 10
        it.append(clock_record(it.now * 1000))
    assert bool(it.conditions(f"spo2.low_{figure}_4h")) == raised


def test_four_hours_go_on_after_a_restart_and_end_with_their_values() -> None:
    it = home(Rolling(SPO2, "low", "mean", 14_400, 92.0, hysteresis=1.0))
    hours(it, 96, 88)
    state = it.engine.snapshot(it.partition)
    it.engine = PatientLog(stages()).engine
    it.engine.take(it.partition, unpack(state, it.partition), Recall())
    hours(it, 88)
    assert reported(it, "spo2.low_mean_4h") == [("onset", "MEDIUM")]
    hours(it, 96, 96, 96)
    assert [phase for phase, _ in reported(it, "spo2.low_mean_4h")] == ["onset", "end"]
