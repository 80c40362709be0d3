"""Which refusals come back to their gateway."""

from __future__ import annotations

from alerts.care.gateway_config import STATE, gateway_config
from alerts.care.refusals import note_returned, refusals_of
from devices.wire.pairing import RefusedReadings
from tests.alerts.care.conftest import MASTER, Ward
from tests.alerts.conftest import Db


def test_a_gateway_learns_of_what_was_refused_for_good_until_it_has_it(db: Db, ward: Ward) -> None:
    def refuse(offset: int, reason: str, gateway: int, *identity: int | None) -> None:
        db.execute(
            "INSERT INTO rejected (topic_id, partition, at_offset, reading, reason, patient, gateway, device, epoch,"
            " sequence, readings) VALUES ('x', 1, %s, 0, %s, 1, %s, %s, %s, %s, %s)",
            [offset, reason, gateway, *identity],
        )

    def state() -> object:
        return db.execute(STATE, [ward.gateway]).fetchone()

    def flag() -> bool:
        with db.transaction():
            return gateway_config(db, MASTER, ward.gateway, "", "").refused

    before = state()
    assert (flag(), refusals_of(db, ward.gateway)) == (False, [])
    refuse(1, "sender not enrolled", ward.gateway, 7, 9, 1, 1)  # an enrolment may let it in
    refuse(2, "consent withdrawn", ward.gateway, 7, 9, 2, 1)  # nobody may keep it
    refuse(3, "older than 30 days", ward.gateway + 1, 7, 9, 3, 1)
    assert (flag(), state()) == (False, before)
    refuse(4, "older than 30 days", ward.gateway, 7, 9, 4, 1)
    refuse(5, "not sealed", ward.gateway, None, None, None, None)
    assert flag()
    assert state() != before
    found = refusals_of(db, ward.gateway)
    assert found == [
        RefusedReadings(("x", 1, 4, 0), 7, 9, 4, 1, "older than 30 days"),
        RefusedReadings(("x", 1, 5, 0), 0, 0, 0, 0, "not sealed"),
    ]
    note_returned(db, ward.gateway + 1, [one.place for one in found])  # another gateway cannot take them
    assert flag()
    note_returned(db, ward.gateway, [one.place for one in found])
    assert (flag(), refusals_of(db, ward.gateway)) == (False, [])
