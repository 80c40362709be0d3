"""Devices: one address is one device, or one for each of its users."""

from __future__ import annotations

from typing import Literal

import pytest

from alerts.care.consent import give_consent
from alerts.care.devices import add_device
from alerts.care.enrol import enrol
from alerts.care.registers import gateway
from alerts.errors import InvalidEnrolmentError
from tests.alerts.care.conftest import BEGAN, MASTER, Ward
from tests.alerts.care.test_gateway_config import config
from tests.alerts.conftest import Db


def test_an_address_is_one_device(db: Db, ward: Ward) -> None:
    with pytest.raises(InvalidEnrolmentError, match="a device already"), db.transaction():
        add_device(db, "copy", "ble", "C0:DE:00:00:00:02", 1)


def test_each_user_of_a_shared_device_is_a_device_that_its_gateway_knows(db: Db, ward: Ward) -> None:
    with db.transaction():
        first, second = (add_device(db, "cuff", "ble", "C0:DE:00:00:00:09", 0, user) for user in (1, 2))
        give_consent(db, ward.ada, True, by=1)
        enrol(db, MASTER, second, ward.ada, ward.gateway, BEGAN, by=1)
    assert first != second
    with pytest.raises(InvalidEnrolmentError, match="a device already"), db.transaction():
        add_device(db, "cuff", "ble", "C0:DE:00:00:00:09", 0, 2)
    assert [(one.device, one.user) for one in config(db, ward.gateway).devices] == [(second, 2)]


@pytest.mark.parametrize(("source", "user"), [("ble", 255), ("ble", -1), ("mqtt", 1)])
def test_a_user_that_no_device_has_is_refused(db: Db, source: Literal["ble", "mqtt"], user: int) -> None:
    with pytest.raises(InvalidEnrolmentError, match="User"):
        add_device(db, "cuff", source, "C0:DE:00:00:00:09", 0, user)


def test_what_a_gateway_found_wrong_is_shown_beside_its_device(db: Db, ward: Ward) -> None:
    with db.transaction():
        enrol(db, MASTER, ward.belt, ward.ada, ward.gateway, BEGAN, by=1)
        for sequence, hours in enumerate((1, 60)):
            db.execute(
                "INSERT INTO event (patient, time, device, epoch, sequence, gateway, kind, value, arrived, at_offset) VALUES"
                " (%s, now() - make_interval(hours => %s), %s, 1, %s, %s, 'fault', %s::jsonb, now(), 1)",
                [ward.ada, hours, ward.belt, sequence, ward.gateway, f'{{"what": "user {hours}", "reason": "waits"}}'],
            )
    (shown,) = gateway(db, ward.gateway)["devices"]
    assert (shown["user"], shown["faults"]) == (None, "user 1 waits")
