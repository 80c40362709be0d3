"""The defaults: what they say of NEWS2's chart, which trends are on, and that docs/alarms.md says the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from alerts.care.limits_check import check_limits
from alerts.rules.defaults import DEFAULT_LIMITS, DEFAULT_TRENDS, default_rule_set
from alerts.rules.trends.drift import HOLE, WARM
from alerts.rules.trends.trend_table import CHANGE, TrendTable
from devices.vitals import VITALS, Vital
from devices.wire.control import Change, Drift, Level, Limit, RuleSet, Side, Slope

PAGE = (Path(__file__).parents[3] / "docs/alarms.md").read_text()
SIDES: tuple[Side, ...] = ("low", "high")
BY_SIDE = {(one.vital, one.side): one for one in DEFAULT_LIMITS}


def level(one: Level | None) -> str:
    return "–" if one is None else f"{one.limit:g}" + (f" for {one.hold_s} s" if one.hold_s else "")


def limit_lines() -> list[str]:
    return [
        f"| {VITALS[Vital(one.vital)].label} | {'below' if one.side == 'low' else 'above'} | {level(one.medium)} "
        f"| {level(one.high)} | {one.hysteresis:g} |"
        for one in DEFAULT_LIMITS
    ]


def trend_lines() -> list[str]:
    drift, slope = Drift(1, 1.0), Slope(1, "high", 1.0)
    return [
        f"| slack | {drift.slack:g} standard deviations a minute |",
        f"| smallest deviation | {drift.floor:g} in the vital's unit |",
        f"| baseline | {drift.baseline_min} min |",
        f"| before anything is concluded | {WARM} min |",
        f"| sums begin anew after a hole of | {HOLE} min |",
        f"| window of a slope | {slope.window_min} min, half of the pairs at least |",
    ]


def timer_lines() -> list[str]:
    rules = default_rule_set()
    return [
        f"| gateway silent | {rules.gateway_offline_s} s without a heartbeat |",
        f"| no data | {rules.no_data_factor:g} intervals of the device and {rules.no_data_extra_s} s |",
        f"| sensor off | {rules.sensor_off_s} s without a good sample, or the device says so |",
        f"| no usable value | {rules.no_value_s} s of unusable values, or {rules.no_data_factor:g} intervals |",
        f"| NEWS2 | medium from {rules.news2_medium}, high from {rules.news2_high}, held for {rules.news2_hold_s} s |",
        f"| NEWS2 ends | {rules.news2_hysteresis + 1} below the level |",
    ]


def test_the_documentation_names_the_share_of_a_hold() -> None:
    assert f"at least {RuleSet(1).hold_percent} % of the measured values" in PAGE


@pytest.mark.parametrize("line", [*limit_lines(), *trend_lines(), *timer_lines()])
def test_the_documentation_says_what_the_code_does(line: str) -> None:
    assert line in PAGE.splitlines()


@pytest.mark.parametrize(
    ("vital", "side", "first"),
    [
        (Vital.RESPIRATORY_RATE, "low", 8), (Vital.RESPIRATORY_RATE, "high", 25), (Vital.SPO2, "low", 91),
        (Vital.SYSTOLIC, "low", 90), (Vital.SYSTOLIC, "high", 220), (Vital.HEART_RATE, "low", 40),
        (Vital.HEART_RATE, "high", 131),
    ],
)  # fmt: skip
def test_a_whole_number_that_scores_three_on_the_chart_is_the_first_beyond_its_limit(
    vital: Vital, side: Side, first: float
) -> None:
    one = BY_SIDE[vital, side]
    assert one.high
    assert one.high.limit == first - (1 if side == "high" else -1)
    assert one.chart, "and what the chart rounds to it is beyond as well"


def test_what_scores_two_is_no_limit() -> None:
    for vital in (Vital.RESPIRATORY_RATE, Vital.SPO2, Vital.SYSTOLIC, Vital.HEART_RATE):
        assert all(BY_SIDE[vital, side].medium is None for side in SIDES if (vital, side) in BY_SIDE)
    assert (Vital.TEMPERATURE, "high") not in BY_SIDE


def test_a_temperature_that_scores_three_is_the_first_beyond_its_limit() -> None:
    low = BY_SIDE[Vital.TEMPERATURE, "low"].high
    assert low
    assert round(low.limit - 0.1, 1) == 35.0


def test_a_hold_is_shorter_the_more_severe_the_level_and_single_readings_have_none() -> None:
    for one in DEFAULT_LIMITS:
        holds = [level.hold_s for level in (one.medium, one.high) if level]
        assert holds == sorted(holds, reverse=True)
        assert all(holds) if VITALS[Vital(one.vital)].continuous else not any(holds)
        assert isinstance(one, Limit)
        assert one.hysteresis > 0
    check_limits(DEFAULT_LIMITS)


def test_only_the_trend_that_has_a_source_is_on_and_it_is_low() -> None:
    (weight,) = DEFAULT_TRENDS
    assert isinstance(weight, Change)
    assert (weight.vital, weight.by, weight.within_h, weight.priority) == (Vital.WEIGHT, 1.0, 72, "low")
    table = TrendTable(default_rule_set().trends)
    assert table.kinds == {CHANGE}  # no drift and no slope
