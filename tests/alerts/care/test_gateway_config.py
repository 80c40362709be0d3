"""The configuration of a gateway: consent, revocation, and the hint of a change."""

from __future__ import annotations

from datetime import UTC, datetime

import psycopg
import pytest

from alerts.care.consent import give_consent, has_consented
from alerts.care.enrol import end_enrolment, enrol
from alerts.care.gateway_config import STATE, gateway_config
from alerts.care.gateways import revoke_gateway, set_zone
from alerts.control.data_keys import current_key
from alerts.errors import UnknownRecordError, UnknownZoneError
from devices.wire.control import Consent
from devices.wire.pairing import Config
from tests.alerts.care.conftest import BEGAN, HOUR, MASTER, Ward, sent
from tests.alerts.conftest import Db
from tests.alerts.effect import take_effect


def config(db: Db, gateway: int) -> Config:
    """Once the log has taken what was sent."""
    with db.transaction():
        take_effect(db)
        return gateway_config(db, MASTER, gateway, "127.0.0.1:9092", "vitals.v1")


def test_without_consent_a_configuration_names_no_patient(db: Db, ward: Ward) -> None:
    with db.transaction():
        enrol(db, MASTER, ward.oximeter, ward.ada, ward.gateway, BEGAN, by=1)
    assert config(db, ward.gateway).patients == ()
    before = config(db, ward.gateway).version
    with db.transaction():
        give_consent(db, ward.ada, True, by=1)
    assert [patient.patient for patient in config(db, ward.gateway).patients] == [ward.ada]
    assert config(db, ward.gateway).version > before
    with db.transaction():
        give_consent(db, ward.ada, False, by=1)
    withdrawn = config(db, ward.gateway)
    assert (withdrawn.devices, withdrawn.patients, withdrawn.leaving) == ((), (), ())
    assert [one.patient for one in withdrawn.withdrawn] == [ward.ada]
    assert not has_consented(db, ward.ada)
    assert [consent.given for consent in sent(db, ward.ada, "consent") if isinstance(consent, Consent)] == [True, False]


def test_a_gateway_learns_of_a_device_once_its_enrolment_has_taken_effect(db: Db, ward: Ward) -> None:
    def now() -> Config:
        with db.transaction():
            return gateway_config(db, MASTER, ward.gateway, "127.0.0.1:9092", "vitals.v1")

    def state() -> object:
        return db.execute(STATE, [ward.gateway]).fetchone()

    with db.transaction():
        give_consent(db, ward.ada, True, by=1)
        enrol(db, MASTER, ward.oximeter, ward.ada, ward.gateway, BEGAN, by=1)
    before = state()
    assert (now().devices, now().patients) == ((), ())
    take_effect(db)
    assert [one.device for one in now().devices] == [ward.oximeter]
    assert state() != before
    with db.transaction():  # a second device: the first goes on
        enrol(db, MASTER, ward.belt, ward.ada, ward.gateway, BEGAN, by=1)
    assert [one.device for one in now().devices] == [ward.oximeter]
    take_effect(db)
    assert {one.device for one in now().devices} == {ward.oximeter, ward.belt}
    with db.transaction():  # an end counts at once
        give_consent(db, ward.ada, False, by=1)
    assert (now().devices, now().patients) == ((), ())


def test_what_was_measured_before_a_device_was_taken_back_may_still_be_sent(db: Db, ward: Ward) -> None:
    with db.transaction():
        give_consent(db, ward.ada, True, by=1)
        enrol(db, MASTER, ward.oximeter, ward.ada, ward.gateway, datetime.now(UTC) - HOUR, by=1)
    (key,) = config(db, ward.gateway).patients
    with db.transaction():
        end_enrolment(db, ward.oximeter, datetime.now(UTC), by=1)
    after = config(db, ward.gateway)
    assert (after.patients, after.devices, after.leaving) == ((), (), (key,))
    db.execute("UPDATE enrolment SET since = since - interval '40 days', until = until - interval '31 days'")
    assert config(db, ward.gateway).leaving == ()


def test_a_configuration_is_marked_anew_after_a_restore(db: Db, ward: Ward) -> None:
    before = db.execute(STATE, [ward.gateway]).fetchone()
    db.execute("INSERT INTO desk_epoch (epoch) VALUES (1234)")
    assert db.execute(STATE, [ward.gateway]).fetchone() != before


def test_a_gateway_is_given_the_time_zone_of_its_home(db: Db, ward: Ward) -> None:
    before = config(db, ward.gateway)
    assert before.zone == ""
    with db.transaction():
        set_zone(db, ward.gateway, " Europe/Berlin ")
    after = config(db, ward.gateway)
    assert (after.zone, after.version) == ("Europe/Berlin", before.version + 1)
    for wrong in ("Europe/Berlinn", "../etc/passwd", "UTC+2", "\x00"):
        with pytest.raises(UnknownZoneError), db.transaction():
            set_zone(db, ward.gateway, wrong)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE data_key SET wrapped = '\\x' WHERE patient = %s",
        "UPDATE data_key SET wrapped = set_byte(wrapped, 20, 255 - get_byte(wrapped, 20)) WHERE patient = %s",
        "UPDATE enrolment SET since = 'infinity' WHERE patient = %s",
        "UPDATE enrolment SET since = '4000-01-01 BC' WHERE patient = %s",
        "UPDATE consent SET at = '-infinity' WHERE patient = %s",
        "UPDATE device SET interval_s = -5 WHERE device IN (SELECT device FROM enrolment WHERE patient = %s)",
        "UPDATE gateway SET resend_asked = 'infinity', resend_since = '-infinity' WHERE %s > 0",
    ],
)
def test_damage_of_one_patients_rows_leaves_the_other_patients_of_the_gateway(db: Db, ward: Ward, damage: str) -> None:
    with db.transaction():
        for device, patient in ((ward.oximeter, ward.ada), (ward.belt, ward.bruno)):
            enrol(db, MASTER, device, patient, ward.gateway, BEGAN, by=1)
            give_consent(db, patient, True, by=1)
    before = config(db, ward.gateway)
    db.execute(damage.encode(), [ward.ada])
    after = config(db, ward.gateway)
    assert [p for p in after.patients if p.patient == ward.bruno] == [p for p in before.patients if p.patient == ward.bruno]
    assert [d for d in after.devices if d.patient == ward.bruno] == [d for d in before.devices if d.patient == ward.bruno]
    assert {d.patient for d in after.devices} == {p.patient for p in after.patients}


def test_a_revoked_gateway_has_no_configuration_and_its_keys_no_word(db: Db, ward: Ward) -> None:
    with db.transaction():
        enrol(db, MASTER, ward.oximeter, ward.ada, ward.gateway, BEGAN, by=1)
        key, _ = current_key(db, MASTER, ward.ada, ward.gateway)
    with db.transaction():
        revoke_gateway(db, ward.gateway, by=1)
    enrolment = sent(db, ward.ada, "enrolment")[-1]
    assert (enrolment.revoked_keys, enrolment.gateways) == ((key,), ())
    with pytest.raises(UnknownRecordError):
        config(db, ward.gateway)


def test_who_waits_for_a_configuration_is_woken_once_it_is_committed(db: Db, ward: Ward, schema: str) -> None:
    with psycopg.connect(schema, autocommit=True) as desk:
        desk.execute("LISTEN vigil_config")
        with db.transaction():
            enrol(db, MASTER, ward.oximeter, ward.ada, ward.gateway, BEGAN, by=1)
            assert list(desk.notifies(timeout=0.1)) == []
        assert [hint.payload for hint in desk.notifies(timeout=2, stop_after=1)] == [str(ward.gateway)]
