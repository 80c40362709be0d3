"""Limits that contradict each other are refused."""

from __future__ import annotations

import pytest

from alerts.care.limits_check import check_limits
from alerts.errors import InvalidLimitsError
from alerts.rules.defaults import DEFAULT_LIMITS
from devices.vitals import Vital
from devices.wire.control import Level, Limit
from tests.alerts.care.test_limits import SPO2


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        ([Limit(99, "low", Level(1))], "no vital 99"),
        ([SPO2, SPO2], "two low limits"),
        ([Limit(Vital.SPO2, "low", Level(101))], "not between 30 and 100 %"),
        ([Limit(Vital.SPO2, "low", Level(float("nan")))], "not between"),
        ([Limit(Vital.SPO2, "low", Level(90, -1))], "hold"),
        ([Limit(Vital.SPO2, "low", Level(90, 3601))], "hold"),
        ([Limit(Vital.SPO2, "low", Level(90), None, -1)], "hysteresis"),
        ([Limit(Vital.SPO2, "low", Level(90), None, float("inf"))], "hysteresis"),
        ([Limit(Vital.SPO2, "low", Level(90), Level(90))], "beyond the medium"),
        ([Limit(Vital.HEART_RATE, "high", Level(130), Level(110))], "beyond the medium"),
        ([Limit(Vital.HEART_RATE, "low", Level(60)), Limit(Vital.HEART_RATE, "high", Level(50))], "no room"),
        ([Limit(Vital.HEART_RATE, "low", Level(60), None, 9), Limit(Vital.HEART_RATE, "high", Level(66))], "no room"),
    ],
)
def test_limits_that_contradict_themselves_are_refused_in_words(limits: list[Limit], says: str) -> None:
    with pytest.raises(InvalidLimitsError, match=says):
        check_limits(limits)


def test_the_default_rule_set_holds_together() -> None:
    check_limits(DEFAULT_LIMITS)
    for limit in DEFAULT_LIMITS:
        if limit.medium and limit.high:
            assert limit.high.hold_s <= limit.medium.hold_s
        assert limit.hysteresis > 0
