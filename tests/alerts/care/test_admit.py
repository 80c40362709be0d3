"""Admitting, finding and discharging patients."""

from __future__ import annotations

import pytest

from alerts.care.admit import admit_patient, discharge_patient, find_patients, identity_of
from alerts.care.enrol import enrol
from alerts.database import scalar
from alerts.errors import UnknownRecordError
from devices.errors import SealError
from devices.wire.control import Facts
from tests.alerts.care.conftest import ADA, BEGAN, BRUNO, HOUR, MASTER, Ward, sent
from tests.alerts.conftest import Db


def test_a_patient_is_sealed_and_known_again(db: Db, ward: Ward) -> None:
    assert identity_of(db, MASTER, ward.ada) == ADA
    assert ADA.name == "EXAMPLETON, Ada"
    assert b"Exampleton" not in scalar(db, "SELECT identity FROM patient WHERE patient = %s", [ward.ada])
    with pytest.raises(SealError):
        identity_of(db, bytes(32), ward.ada)
    with pytest.raises(UnknownRecordError):
        identity_of(db, MASTER, 999_999)


def test_an_identity_moved_to_another_patients_row_does_not_open(db: Db, ward: Ward) -> None:
    db.execute(
        "UPDATE patient SET identity = (SELECT identity FROM patient WHERE patient = %s) WHERE patient = %s",
        [ward.ada, ward.bruno],
    )
    with pytest.raises(SealError):
        identity_of(db, MASTER, ward.bruno)


@pytest.mark.parametrize(
    "known",
    [
        {"record": "vt 41744"},
        {"name": "EXAMPLETON, Ada"},
        {"name": "Ada Exampletón"},
        {"born": "1945-07-14", "name": "ada exampleton"},
    ],
)
def test_a_patient_is_found_by_identifiers_as_people_type_them(db: Db, ward: Ward, known: dict[str, str]) -> None:
    assert find_patients(db, MASTER, known) == [ward.ada]


def test_all_identifiers_must_fit_one_patient(db: Db, ward: Ward) -> None:
    assert find_patients(db, MASTER, {"born": ADA.born, "record": BRUNO.record_number}) == []
    assert find_patients(db, MASTER, {"name": ""}) == []
    assert find_patients(db, bytes(32), {"record": ADA.record_number}) == []


def test_a_team_that_does_not_exist_takes_nobody(db: Db, ward: Ward) -> None:
    with pytest.raises(UnknownRecordError), db.transaction():
        admit_patient(db, MASTER, ADA, 999, Facts(), by=1)
    assert db.execute("SELECT count(*) FROM patient").fetchone() == (2,)


def test_discharge_ends_enrolments_and_takes_the_patient_off_the_lists(db: Db, ward: Ward) -> None:
    with db.transaction():
        enrol(db, MASTER, ward.oximeter, ward.ada, ward.gateway, BEGAN, by=1)
    with db.transaction():
        discharge_patient(db, ward.ada, BEGAN + HOUR, by=1)
    assert find_patients(db, MASTER, {"record": ADA.record_number}) == []
    assert sent(db, ward.ada, "enrolment")[-1].gateways == ()
    with pytest.raises(UnknownRecordError), db.transaction():
        enrol(db, MASTER, ward.oximeter, ward.ada, ward.gateway, BEGAN + HOUR, by=1)
