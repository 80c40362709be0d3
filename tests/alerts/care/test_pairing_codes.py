"""A leaflet's code: random, kept as a keyed hash, of one patient and home, ended by time, revocation and a newer one."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest

from alerts.care.enrol import enrol
from alerts.care.gateways import add_gateway, replace_gateway, revoke_gateway
from alerts.care.pairing_codes import codes, make_leaflet, pairing_of, revoke_code
from alerts.care.teams import set_phone
from alerts.database import now
from alerts.errors import InvalidTextError, NotInCareError, PairingError, UnknownRecordError
from tests.alerts.care.conftest import BEGAN, MASTER, Ward
from tests.alerts.conftest import Db


@pytest.fixture
def called(db: Db, ward: Ward) -> Ward:
    """A ward that patients can call."""
    with db.transaction():
        set_phone(db, ward.team, "030 / 55 50-100")
    return ward


def test_a_code_opens_its_pairing_however_it_is_typed_and_stands_nowhere(db: Db, called: Ward) -> None:
    made = make_leaflet(db, MASTER, called.ada, called.gateway, 1)
    assert len(made.code) == 14
    assert made.expires - now(db) > timedelta(days=6.9)
    for typed in (made.code, made.code.lower(), made.code.replace("-", " ")):
        assert pairing_of(db, MASTER, typed) == made.pairing
    assert pairing_of(db, bytes(32), made.code) is None  # a copy of the database without the key opens nothing
    assert pairing_of(db, MASTER, "") is None
    (kept,) = db.execute("SELECT code_hash FROM pairing").fetchone() or (b"",)
    assert kept != hashlib.sha256(made.code.replace("-", "").encode()).digest()
    assert made.code.replace("-", "") not in str(codes(db, called.ada))


def test_codes_differ_and_a_newer_one_ends_the_one_before(db: Db, called: Ward) -> None:
    made = [make_leaflet(db, MASTER, called.ada, called.gateway, 1) for _ in range(3)]
    assert len({one.code for one in made}) == 3
    assert [pairing_of(db, MASTER, one.code) is not None for one in made] == [False, False, True]
    assert [one["state"] for one in codes(db, called.ada)] == ["not opened", "revoked", "revoked"]


def test_the_home_is_the_one_that_serves_the_patient_or_is_asked_for(db: Db, called: Ward) -> None:
    with pytest.raises(PairingError, match="no gateway serves patient"):
        make_leaflet(db, MASTER, called.ada, None, 1)
    with db.transaction():
        enrol(db, MASTER, called.belt, called.ada, called.gateway, BEGAN, by=1)
    assert make_leaflet(db, MASTER, called.ada, None, 1).pairing
    other = add_gateway(db, "Home 2")
    with db.transaction():
        enrol(db, MASTER, called.oximeter, called.ada, other, BEGAN, by=1)
    with pytest.raises(PairingError, match="several gateways"):
        make_leaflet(db, MASTER, called.ada, None, 1)


def test_what_cannot_be_a_leaflet_is_refused_with_what_to_do(db: Db, ward: Ward) -> None:
    with pytest.raises(PairingError, match="no telephone number"):
        make_leaflet(db, MASTER, ward.ada, ward.gateway, 1)
    for wrong in ("call me", "--", "1" * 41, "1\x002"):
        with pytest.raises(InvalidTextError):
            set_phone(db, ward.team, wrong)
    set_phone(db, ward.team, "112")
    with pytest.raises(PairingError, match="no kind of device 'spaceship'"):
        make_leaflet(db, MASTER, ward.ada, ward.gateway, 1, kind="spaceship")
    with pytest.raises(PairingError, match="1 to 30 days"):
        make_leaflet(db, MASTER, ward.ada, ward.gateway, 1, days=365)
    with pytest.raises(UnknownRecordError):
        make_leaflet(db, MASTER, ward.ada, 999, 1)
    db.execute("UPDATE patient SET discharged = now() WHERE patient = %s", [ward.ada])
    with pytest.raises(NotInCareError):
        make_leaflet(db, MASTER, ward.ada, ward.gateway, 1)


def test_a_code_is_revoked_by_its_number_or_with_all_of_the_patient(db: Db, called: Ward) -> None:
    made = make_leaflet(db, MASTER, called.ada, called.gateway, 1)
    other = make_leaflet(db, MASTER, called.bruno, called.gateway, 1)
    with pytest.raises(UnknownRecordError):
        revoke_code(db, called.bruno, made.pairing)
    assert revoke_code(db, called.ada, made.pairing) == [made.pairing]
    assert revoke_code(db, called.ada) == []
    assert pairing_of(db, MASTER, made.code) is None
    assert pairing_of(db, MASTER, other.code) == other.pairing


def test_a_gateway_that_is_replaced_takes_its_leaflets_along_and_a_revoked_one_ends_them(db: Db, called: Ward) -> None:
    made = make_leaflet(db, MASTER, called.ada, called.gateway, 1)
    new = add_gateway(db, "Home 1, new box")
    with db.transaction():
        replace_gateway(db, MASTER, called.gateway, new, now(db), by=1)
        revoke_gateway(db, called.gateway, by=1)
    assert pairing_of(db, MASTER, made.code) == made.pairing
    with db.transaction():
        revoke_gateway(db, new, by=1)
    assert pairing_of(db, MASTER, made.code) is None
