"""Enrolments, transfers, and what the engine and gateways get of them."""

from __future__ import annotations

import threading
import time

import psycopg
import pytest

from alerts.care.consent import give_consent
from alerts.care.enrol import end_enrolment, enrol, transfer
from alerts.care.gateways import add_gateway
from alerts.control.data_keys import current_key
from alerts.control.outbox import send
from alerts.database import to_ms
from alerts.errors import DeviceTakenError, InvalidEnrolmentError, UnknownRecordError
from devices.wire.control import Enrolled, Enrolment, Limits
from devices.wire.pairing import Assigned, PatientKey
from tests.alerts.care.conftest import BEGAN, HOUR, MASTER, Ward, sent
from tests.alerts.care.test_gateway_config import config
from tests.alerts.conftest import Db


def test_engine_and_gateway_get_the_whole_enrolment(db: Db, ward: Ward) -> None:
    with db.transaction():
        give_consent(db, ward.ada, True, by=1)
        enrol(db, MASTER, ward.oximeter, ward.ada, ward.gateway, BEGAN, by=1)
        enrol(db, MASTER, ward.belt, ward.ada, ward.gateway, BEGAN + HOUR, by=1)
    assert sent(db, ward.ada, "enrolment")[-1] == Enrolment(
        devices=(
            Enrolled(ward.oximeter, ward.gateway, to_ms(BEGAN), None, 1),
            Enrolled(ward.belt, ward.gateway, to_ms(BEGAN + HOUR), None, 1),
        ),
        gateways=(ward.gateway,),
    )
    received = config(db, ward.gateway)
    key, secret = current_key(db, MASTER, ward.ada, ward.gateway)
    assert received.patients == (PatientKey(ward.ada, key, secret),)
    assert received.devices == (
        Assigned(ward.oximeter, ward.ada, to_ms(BEGAN), "ble", "C0:DE:00:00:00:02", 1),
        Assigned(ward.belt, ward.ada, to_ms(BEGAN + HOUR), "ble", "C0:DE:00:00:00:01", 1),
    )


def test_every_gateway_and_the_desk_have_keys_of_their_own(db: Db, ward: Ward) -> None:
    with db.transaction():
        other = add_gateway(db, "Home 2")
        enrol(db, MASTER, ward.oximeter, ward.ada, ward.gateway, BEGAN, by=1)
        enrol(db, MASTER, ward.belt, ward.ada, other, BEGAN, by=1)
    keys = [current_key(db, MASTER, ward.ada, gateway) for gateway in (0, ward.gateway, other)]
    assert len({number for number, _ in keys}) == len({secret for _, secret in keys}) == 3
    assert db.execute("SELECT count(*) FROM data_key WHERE patient = %s", [ward.ada]).fetchone() == (3,)


def test_a_device_is_one_patients_until_it_is_transferred(db: Db, ward: Ward) -> None:
    with db.transaction():
        enrol(db, MASTER, ward.oximeter, ward.ada, ward.gateway, BEGAN, by=1)
    with pytest.raises(DeviceTakenError) as taken, db.transaction():
        enrol(db, MASTER, ward.oximeter, ward.bruno, ward.gateway, BEGAN + HOUR, by=1)
    assert taken.value.patient == ward.ada
    with db.transaction():
        transfer(db, MASTER, ward.oximeter, ward.bruno, ward.gateway, BEGAN + HOUR, by=1)
    assert sent(db, ward.ada, "enrolment")[-1] == Enrolment(
        (Enrolled(ward.oximeter, ward.gateway, to_ms(BEGAN), to_ms(BEGAN + HOUR), 1),)
    )
    assert sent(db, ward.bruno, "enrolment")[-1].devices[0].since == to_ms(BEGAN + HOUR)


def test_times_that_do_not_fit_are_refused(db: Db, ward: Ward) -> None:
    with pytest.raises(InvalidEnrolmentError, match="not enrolled"), db.transaction():
        end_enrolment(db, ward.oximeter, BEGAN, by=1)
    with db.transaction():
        enrol(db, MASTER, ward.oximeter, ward.ada, ward.gateway, BEGAN, by=1)
    with pytest.raises(InvalidEnrolmentError, match="end it later"), db.transaction():
        end_enrolment(db, ward.oximeter, BEGAN - HOUR, by=1)
    with db.transaction():
        assert end_enrolment(db, ward.oximeter, BEGAN + HOUR, by=1) == ward.ada
    with pytest.raises(InvalidEnrolmentError, match="begin later"), db.transaction():
        enrol(db, MASTER, ward.oximeter, ward.bruno, ward.gateway, BEGAN, by=1)


@pytest.mark.parametrize("wrong", ["device", "patient", "gateway"])
def test_what_does_not_exist_cannot_be_enrolled(db: Db, ward: Ward, wrong: str) -> None:
    numbers = {"device": ward.oximeter, "patient": ward.ada, "gateway": ward.gateway, wrong: 999_999}
    with pytest.raises(UnknownRecordError, match=wrong), db.transaction():
        enrol(db, MASTER, **numbers, since=BEGAN, by=1)


def test_control_records_are_numbered_in_the_order_in_which_they_are_committed(db: Db, ward: Ward, schema: str) -> None:
    """Otherwise a record could reach the log after a later one, and be dropped there as seen."""
    numbers: list[int] = []

    def second() -> None:
        with psycopg.connect(schema) as other:
            numbers.append(send(other, ward.ada, Limits(), by=1))

    with psycopg.connect(schema) as first:
        numbers.append(send(first, ward.ada, Limits(), by=1))
        waiting = threading.Thread(target=second)
        waiting.start()
        time.sleep(0.2)
        assert len(numbers) == 1
        first.commit()
    waiting.join(10)
    assert numbers == sorted(numbers)
    assert len(numbers) == 2
