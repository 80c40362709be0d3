"""Limits: checked, merged with the rule set, and sent."""

from __future__ import annotations

import msgspec
import pytest

from alerts.care.limits import chosen_rule_set, merged, set_limits, set_rule_set
from alerts.errors import InvalidLimitsError
from alerts.rules.defaults import DEFAULT_LIMITS, default_rule_set
from devices.vitals import Vital
from devices.wire.control import Level, Limit, Limits
from tests.alerts.care.conftest import Ward, sent
from tests.alerts.conftest import Db

SPO2 = Limit(Vital.SPO2, "low", Level(90, 60), Level(86, 15), 1)


def test_a_change_is_sent_as_the_whole_state_of_one_patient(db: Db, ward: Ward) -> None:
    with db.transaction():
        set_limits(db, ward.ada, Limits((SPO2,)), by=4)
    assert sent(db, ward.ada, "limits") == [Limits((SPO2,))]
    assert sent(db, ward.bruno, "limits") == []


def test_own_limits_stand_over_the_rule_set_and_can_switch_a_side_off(db: Db, ward: Ward) -> None:
    off = Limit(Vital.TEMPERATURE, "low")
    found = merged(DEFAULT_LIMITS, (SPO2, off))
    assert SPO2 in found
    assert not [limit for limit in found if (limit.vital, limit.side) == (Vital.TEMPERATURE, "low")]
    assert len(found) == len(DEFAULT_LIMITS) - 1


def test_a_rule_set_is_for_all_and_has_a_number_of_its_own(db: Db, ward: Ward) -> None:
    with db.transaction():
        set_rule_set(db, default_rule_set(1), by=1)
        set_rule_set(db, msgspec.structs.replace(default_rule_set(2), limits=(SPO2,)), by=1)
    assert chosen_rule_set(db).version == 2
    assert [control.version for control in sent(db, 0, "rule_set")] == [1, 2]
    with pytest.raises(InvalidLimitsError, match="next number"), db.transaction():
        set_rule_set(db, default_rule_set(2), by=1)


def test_limits_that_cannot_be_are_neither_stored_nor_sent(db: Db, ward: Ward) -> None:
    with pytest.raises(InvalidLimitsError), db.transaction():
        set_limits(db, ward.ada, Limits((Limit(Vital.SPO2, "low", Level(86), Level(90)),)), by=4)
    with pytest.raises(InvalidLimitsError, match="no room"), db.transaction():
        set_limits(db, ward.ada, Limits((Limit(Vital.HEART_RATE, "low", Level(129), None, 5),)), by=4)
    assert sent(db, ward.ada, "limits") == []
