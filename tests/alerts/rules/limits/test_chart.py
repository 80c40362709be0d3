"""Limits that stand for bands of NEWS2: rounding as the chart does, and scale 2."""

from __future__ import annotations

import numpy as np
import pytest

from alerts.rules.defaults import default_rule_set
from alerts.rules.limits.bounds import HIGH, LOW, SEVERE, table_of
from alerts.rules.limits.scale2 import for_scale
from alerts.rules.stages import stages
from devices.vitals import VITALS, Vital
from devices.wire.control import Facts, Level, Limit, Limits
from streams.engine.testing import PatientLog

SPO2 = Vital.SPO2


@pytest.mark.parametrize("vital", [Vital.SPO2, Vital.TEMPERATURE, Vital.WEIGHT, Vital.HEART_RATE])
@pytest.mark.parametrize("limit", [35.0, 35.1, 36.0, 91.0, 92.0])
@pytest.mark.parametrize("side", ["high", "low"])
def test_every_value_is_judged_as_the_chart_shows_it(vital: Vital, limit: float, side: str) -> None:
    """All fixed-point values around the limit, against the rounding in decimal."""
    spec = VITALS[vital]
    table = table_of((Limit(vital, side, None, Level(limit), 0.0, chart=True),))  # type: ignore[arg-type]
    place, sign = (HIGH, 1) if side == "high" else (LOW, -1)
    marks = 10**spec.decimals
    for fixed in range(int((limit - 2) * spec.steps), int((limit + 2) * spec.steps) + 1):
        shown = int(np.rint(fixed / (spec.steps // marks)))
        wanted = shown > round(limit * marks, 6) if side == "high" else shown < round(limit * marks, 6)
        assert (fixed * sign > table.limit[place, SEVERE, vital]) == wanted, fixed


def home(facts: Facts | None = None, interval_s: int = 1) -> PatientLog:
    it = PatientLog(stages(), interval_s=interval_s)
    it.control(default_rule_set())
    it.control(facts or Facts(1, False, "A", "1950-01-01"))
    return it


@pytest.mark.parametrize(("value", "high"), [(91.6, False), (91.5, False), (91.4, True), (91.0, True)])
def test_a_saturation_of_91_and_a_half_or_more_is_92(value: float, high: bool) -> None:
    it = home()
    it.measure_each_second(SPO2, [value] * 20)
    assert [one.priority.name for one in it.conditions("spo2.low")] == (["HIGH"] if high else [])


def test_a_single_two_of_the_chart_raises_nothing() -> None:
    it = home()
    for vital, value in ((Vital.HEART_RATE, 125), (SPO2, 93), (Vital.RESPIRATORY_RATE, 12)):
        it.measure_each_second(vital, [value] * 150)
    assert not [one for one in it.conditions() if one.category == "physiological"]


@pytest.mark.parametrize(
    ("oxygen", "value", "rules"),
    [
        (False, 90, []), (True, 90, []), (None, 90, []), (False, 83, ["spo2.low"]), (True, 83, ["spo2.low"]), (None, 84, []),
        (True, 99, ["spo2.high"]), (False, 99, []), (None, 99, []), (True, 96, []),
    ],
)  # fmt: skip
def test_on_scale_2_a_saturation_of_90_is_right_and_99_on_oxygen_is_not(
    oxygen: bool | None, value: float, rules: list[str]
) -> None:
    it = home(Facts(2, oxygen, "A", "1950-01-01"))
    it.measure_each_second(SPO2, [value] * 70)
    assert [one.rule for one in it.conditions() if one.rule.startswith("spo2.")] == rules


def test_a_scale_that_is_prescribed_while_an_alarm_stands_ends_it_and_taken_back_begins_it() -> None:
    it = home()
    it.measure_each_second(SPO2, [90] * 20)
    it.control(Facts(2, False, "A", "1950-01-01"))
    it.measure_each_second(SPO2, [90] * 3)
    it.control(Facts(2, False, "V", "1950-01-01"))
    it.measure_each_second(SPO2, [90] * 3)
    it.control(Facts(1, False, "A", "1950-01-01"))
    it.measure_each_second(SPO2, [90] * 3)
    assert [one.phase for one in it.conditions("spo2.low")] == ["onset", "end", "onset"]


def test_a_fact_that_changes_no_limit_leaves_the_hold_running() -> None:
    it = home()
    it.measure_each_second(SPO2, [90] * 10)
    it.control(Facts(1, True, "V", "1950-01-01"))
    it.measure_each_second(SPO2, [90] * 10)
    assert [second for second, *_ in it.reported("spo2.low")] == [16]


def test_a_patients_own_limits_come_before_the_scales() -> None:
    it = home(Facts(2, True, "A", "1950-01-01"))
    it.control(Limits((Limit(SPO2, "low", None, Level(86, 5), 1.0),)))
    it.measure_each_second(SPO2, [85] * 10)
    assert [one.limit for one in it.conditions("spo2.low")] == [86]


def test_only_a_rule_set_that_watches_saturation_is_changed() -> None:
    pulse = (Limit(Vital.HEART_RATE, "high", None, Level(130)),)
    assert for_scale(pulse, Facts(2)) == pulse
    assert for_scale(pulse, None) == pulse
