"""Which of you is user 2?  Only a user that the gateway has seen, and that is nobody's, becomes somebody's."""

from __future__ import annotations

import pytest
from psycopg.types.json import Jsonb

from alerts.care.consent import give_consent
from alerts.care.devices import add_device
from alerts.care.enrol import enrol
from alerts.care.gateway_config import gateway_config
from alerts.care.pairing_scan import ask_scan, cards, store_seen
from alerts.care.shared_devices import become_user, is_somebody_else, unknown_at, unknown_users
from alerts.errors import PairingError
from devices.wire.pairing import Nearby, Seen
from tests.alerts.care.conftest import BEGAN, MASTER, Ward
from tests.alerts.conftest import Db
from tests.alerts.effect import take_effect

CUFF = "C0:DE:00:00:00:77"


@pytest.fixture
def cuff(db: Db, ward: Ward) -> int:
    """Ada's cuff, paired without a user."""
    with db.transaction():
        give_consent(db, ward.ada, True, by=1)
        give_consent(db, ward.bruno, True, by=1)
        device = add_device(db, "Cuff", "ble", CUFF, 0)
        enrol(db, MASTER, device, ward.ada, ward.gateway, BEGAN, by=1)
    return device


def measured(db: Db, ward: Ward, device: int, what: str, *, patient: int | None = None) -> None:
    """The fault that the gateway reports of a user whom it does not know."""
    db.execute(
        "INSERT INTO event (patient, time, device, epoch, sequence, gateway, kind, value, arrived, at_offset) VALUES "
        "(%s, clock_timestamp(), %s, 1, (SELECT count(*) FROM event), %s, 'fault', %s, now(), 1)",
        [patient or ward.ada, device, ward.gateway, Jsonb({"kind": "fault", "what": what, "reason": "is not assigned"})],
    )


def worn(db: Db, ward: Ward) -> list[tuple[int, int | None]]:
    take_effect(db)
    config = gateway_config(db, MASTER, ward.gateway, "k", "t")
    return sorted((one.patient, one.user) for one in config.devices if one.address == CUFF)


def test_a_user_who_measured_is_asked_about_and_becomes_the_patient(db: Db, ward: Ward, cuff: int) -> None:
    assert unknown_users(db, ward.ada) == []
    measured(db, ward, cuff, "user 2")
    measured(db, ward, cuff, "clock")
    measured(db, ward, cuff, "user 999")
    assert [(one.device, one.user) for one in unknown_users(db, ward.ada)] == [(cuff, 2)]
    assert unknown_users(db, ward.bruno) == []
    with db.transaction():
        become_user(db, MASTER, ward.gateway, ward.ada, CUFF, 2, 0)
    assert worn(db, ward) == [(ward.ada, 2)]  # what the one without a user brought was another's
    assert unknown_users(db, ward.ada) == []


def test_a_number_that_was_not_seen_or_is_somebodys_is_refused(db: Db, ward: Ward, cuff: int) -> None:
    with pytest.raises(PairingError), db.transaction():
        become_user(db, MASTER, ward.gateway, ward.bruno, CUFF, 2, 0)
    measured(db, ward, cuff, "user 2")
    with db.transaction():
        become_user(db, MASTER, ward.gateway, ward.bruno, CUFF, 2, 0)
    with pytest.raises(PairingError), db.transaction():
        become_user(db, MASTER, ward.gateway, ward.ada, CUFF, 2, 0)
    assert sorted(worn(db, ward), key=str) == sorted([(ward.ada, None), (ward.bruno, 2)], key=str)


def test_somebody_else_is_not_asked_about_twice(db: Db, ward: Ward, cuff: int) -> None:
    measured(db, ward, cuff, "user 2")
    with db.transaction():
        is_somebody_else(db, ward.ada, CUFF.lower(), 2)
        is_somebody_else(db, ward.ada, CUFF.lower(), 2)
    assert unknown_users(db, ward.ada) == []
    assert unknown_at(db, ward.gateway, CUFF) == [2]  # whoever it is may say so


def test_who_shares_a_cuff_is_offered_the_user_that_measured(db: Db, ward: Ward, cuff: int) -> None:
    with db.transaction():
        ask_scan(db, ward.gateway)
    request = db.execute("SELECT request FROM gateway_scan").fetchone()
    assert request
    store_seen(db, ward.gateway, Seen(request[0], (Nearby(CUFF, "Cuff", ("blood pressure",), -50),)))
    (card,) = cards(db, ward.gateway, ward.bruno)
    assert (card.owner, card.shared, card.users) == ("somebody", True, ())
    measured(db, ward, cuff, "user 2")
    (card,) = cards(db, ward.gateway, ward.bruno)
    assert card.users == (2,)
