"""Limits: checked, merged with the rule set, and sent."""

from __future__ import annotations

import msgspec
import pytest

from alerts.care.limits import chosen_rule_set, merged, set_limits, set_rule_set
from alerts.care.limits_check import check_limits
from alerts.errors import InvalidLimitsError
from alerts.rules.defaults import DEFAULT_LIMITS, default_rule_set
from devices.vitals import Vital
from devices.wire.control import Level, Limit, Limits
from tests.alerts.care.conftest import sent

SPO2 = Limit(Vital.SPO2, "low", Level(90, 60), Level(86, 15), 1)


def test_a_change_is_sent_as_the_whole_state_of_one_patient(db, ward):
    with db.transaction():
        set_limits(db, ward.ada, Limits((SPO2,)), by=4)
    assert sent(db, ward.ada, "limits") == [Limits((SPO2,))]
    assert sent(db, ward.bruno, "limits") == []


def test_own_limits_stand_over_the_rule_set_and_can_switch_a_side_off(db, ward):
    off = Limit(Vital.TEMPERATURE, "high")
    found = merged(DEFAULT_LIMITS, (SPO2, off))
    assert SPO2 in found
    assert not [limit for limit in found if (limit.vital, limit.side) == (Vital.TEMPERATURE, "high")]
    assert len(found) == len(DEFAULT_LIMITS) - 1


def test_a_rule_set_is_for_all_and_has_a_number_of_its_own(db, ward):
    with db.transaction():
        set_rule_set(db, default_rule_set(1), by=1)
        set_rule_set(db, msgspec.structs.replace(default_rule_set(2), limits=(SPO2,)), by=1)
    assert chosen_rule_set(db).version == 2
    assert [control.version for control in sent(db, 0, "rule_set")] == [1, 2]
    with pytest.raises(InvalidLimitsError, match="next number"), db.transaction():
        set_rule_set(db, default_rule_set(2), by=1)


def test_limits_that_cannot_be_are_neither_stored_nor_sent(db, ward):
    with pytest.raises(InvalidLimitsError), db.transaction():
        set_limits(db, ward.ada, Limits((Limit(Vital.SPO2, "low", Level(86), Level(90)),)), by=4)
    with pytest.raises(InvalidLimitsError, match="no room"), db.transaction():
        set_limits(db, ward.ada, Limits((Limit(Vital.HEART_RATE, "low", Level(109), None, 5),)), by=4)
    assert sent(db, ward.ada, "limits") == []


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
def test_limits_that_contradict_themselves_are_refused_in_words(limits, says):
    with pytest.raises(InvalidLimitsError, match=says):
        check_limits(limits)


def test_the_default_rule_set_holds_together():
    check_limits(DEFAULT_LIMITS)
    for limit in DEFAULT_LIMITS:
        if limit.medium and limit.high:
            assert limit.high.hold_s <= limit.medium.hold_s
        assert limit.hysteresis > 0
