"""Trends of single readings: steady gains and their ends, several of the last few, rates, and what will be."""

from __future__ import annotations

import pytest

from alerts.rules.stages import stages
from devices.vitals import Vital
from devices.wire.control import Change, Facts, Rate, Repeated, RuleSet, Soon, Steady, Trend
from streams.engine.snapshot.recall import Recall
from streams.engine.snapshot.snapshot import unpack
from streams.engine.testing import PatientLog, clock_record

DAY = 86_400
STEADY = Steady(Vital.WEIGHT, "high", 0.2, 14, 0.5, "medium")
GAIN = Change(Vital.WEIGHT, "high", 2.0, 72, 0.5)


def home(*trends: Trend) -> PatientLog:
    it = PatientLog(stages())
    it.control(RuleSet(1, trends=trends))
    return it


def weigh(it: PatientLog, *kilograms: float) -> None:
    """One weighing a day."""
    for one in kilograms:
        it.now += DAY
        it.append(clock_record(it.now * 1000))
        it.measure(Vital.WEIGHT, one)
        it.wait(2)


def read(it: PatientLog, vital: Vital, *values: float, every_min: int = 5) -> None:
    for one in values:
        it.measure(vital, one)
        it.wait(1)
        for _ in range(every_min * 6):
            it.now += 10
            it.append(clock_record(it.now * 1000))


def phases(it: PatientLog, rule: str) -> list[str]:
    return [one.phase for one in it.conditions(rule)]


def test_three_hundred_grams_a_day_for_a_fortnight_are_seen_and_do_not_end_because_they_stay() -> None:
    it = home(STEADY)
    weigh(it, *(80 + 0.3 * day for day in range(14)))
    assert phases(it, "weight.rising_for_days") == ["onset"]
    assert it.conditions("weight.rising_for_days")[0].value == pytest.approx(0.3, abs=0.02)
    weigh(it, *[84.0] * 20)
    assert phases(it, "weight.rising_for_days") == ["onset"], "high for three weeks is no recovery"
    weigh(it, 82.0, 81.0, 80.2)
    assert phases(it, "weight.rising_for_days") == ["onset", "end"]


def test_a_weight_that_only_wanders_is_none() -> None:
    it = home(STEADY)
    weigh(it, *(80 + (0.7, -0.4, 0.2, -0.8, 0.5)[day % 5] for day in range(30)))
    assert phases(it, "weight.rising_for_days") == []


def test_a_decision_ends_it_and_gains_count_from_the_dry_weight_then() -> None:
    it = home(STEADY, GAIN)
    weigh(it, 80.0, 80.0, 83.0)
    assert phases(it, "weight.gain") == ["onset"]
    weigh(it, *[83.0] * 8)
    assert phases(it, "weight.gain") == ["onset"], "it stays high for a week"
    it.control(Facts(dry_weight=83.0))
    it.wait(2)
    assert phases(it, "weight.gain") == ["onset", "end"]
    weigh(it, 83.2, 85.5)
    assert phases(it, "weight.gain") == ["onset", "end", "onset"]


def test_back_at_the_dry_weight_is_no_gain() -> None:
    it = home(GAIN)
    it.control(Facts(dry_weight=80.0))
    weigh(it, 77.0, 79.5)
    assert phases(it, "weight.gain") == [], "somebody who was too dry"


def test_one_wrong_person_on_the_scales_is_no_steady_gain() -> None:
    it = home(STEADY)
    weigh(it, *[80.0] * 6, 62.0, *[80.0] * 10)
    assert phases(it, "weight.rising_for_days") == []


def test_a_fortnight_goes_on_after_a_restart() -> None:
    it = home(STEADY)
    weigh(it, *(80 + 0.3 * day for day in range(9)))
    state = it.engine.snapshot(it.partition)
    it.engine = PatientLog(stages()).engine
    it.engine.take(it.partition, unpack(state, it.partition), Recall())
    weigh(it, *(80 + 0.3 * day for day in range(9, 14)))
    assert phases(it, "weight.rising_for_days") == ["onset"]


def test_two_of_the_last_three_pressures() -> None:
    it = home(Repeated(Vital.SYSTOLIC, "low", 100.0, 2, 3, 72, 5.0))
    read(it, Vital.SYSTOLIC, 95, 120, 96)
    assert phases(it, "systolic.repeatedly_low") == ["onset"]
    assert it.conditions("systolic.repeatedly_low")[0].detail == {"times": 2, "of": 3}
    read(it, Vital.SYSTOLIC, 120, 121)
    assert phases(it, "systolic.repeatedly_low") == ["onset", "end"]


def test_minutes_of_a_continuous_vital_repeat_too_and_silence_ends_nothing() -> None:
    it = home(Repeated(Vital.SPO2, "low", 92.0, 3, 5))
    for value in (90, 95, 90, 95, 90):
        for _ in range(6):
            it.measure(Vital.SPO2, value)
            it.now += 10
            it.append(clock_record(it.now * 1000))
    it.wait(40)
    assert phases(it, "spo2.repeatedly_low") == ["onset"]
    for _ in range(90):
        it.now += 10
        it.append(clock_record(it.now * 1000))
    assert phases(it, "spo2.repeatedly_low") == ["onset"]


def test_glucose_that_falls_fast_below_a_level_and_one_that_will_be_low() -> None:
    it = home(Rate(Vital.GLUCOSE, "low", 2.0, 15, 120.0), Soon(Vital.GLUCOSE, "low", 70.0, 20))
    read(it, Vital.GLUCOSE, 180, 165, 150, 135)
    assert phases(it, "glucose.falling_fast") == [], "fast, but not yet low"
    assert phases(it, "glucose.soon_low") == []
    read(it, Vital.GLUCOSE, 119)
    assert phases(it, "glucose.falling_fast") == phases(it, "glucose.soon_low") == ["onset"]
    assert it.conditions("glucose.soon_low")[0].value == 119
    read(it, Vital.GLUCOSE, 118, 118, 118, 118)
    assert phases(it, "glucose.falling_fast") == phases(it, "glucose.soon_low") == ["onset", "end"]
