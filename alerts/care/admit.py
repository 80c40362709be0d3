"""Admitting, finding and discharging patients."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from alerts.care.enrol import end_all
from alerts.care.facts import set_facts
from alerts.care.identity import Identity, identifiers, index_hash, open_identity, seal_identity
from alerts.control.data_keys import DESK, current_key
from alerts.control.outbox import take_turn
from alerts.database import Tx
from alerts.errors import UnknownRecordError
from devices.wire.control import Facts


def admit_patient(tx: Tx, master: bytes, identity: Identity, team: int, facts: Facts, by: int) -> int:
    """A new patient of a care team; the patient's number.  Without consent nothing of theirs is accepted yet.

    ``facts.born`` comes from the identity where it is not given.
    """
    take_turn(tx)
    row = tx.execute("SELECT nextval(pg_get_serial_sequence('patient', 'patient'))").fetchone()
    assert row is not None
    patient = int(row[0])
    if tx.execute("SELECT FROM care_team WHERE team = %s", [team]).fetchone() is None:
        raise UnknownRecordError("care team", team)
    tx.execute(
        "INSERT INTO patient (patient, identity, team) VALUES (%s, %s, %s)",
        [patient, seal_identity(identity, master, patient), team],
    )
    with tx.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO patient_index (hmac, patient) VALUES (%s, %s)",
            [(index_hash(kind, value, master), patient) for kind, value in identifiers(identity).items()],
        )
    current_key(tx, master, patient, DESK)
    set_facts(tx, patient, facts if facts.born else msgspec.structs.replace(facts, born=identity.born), by)
    return patient


def identity_of(tx: Tx, master: bytes, patient: int) -> Identity:
    """Who a patient is.

    Raises:
        UnknownRecordError: there is no such patient.
        SealError: the identity was sealed under another master key.
    """
    row = tx.execute("SELECT identity FROM patient WHERE patient = %s", [patient]).fetchone()
    if row is None:
        raise UnknownRecordError("patient", patient)
    return open_identity(row[0], master, patient)


def find_patients(tx: Tx, master: bytes, known: Mapping[str, str]) -> list[int]:
    """Patients in care for whom *all* of ``known`` (``name``, ``born`` as ISO date, ``record``) holds; no wildcards."""
    spelled = identifiers(
        Identity(family=known.get("name", ""), given="", born=known.get("born", ""), record_number=known.get("record", ""))
    )
    if not spelled:
        return []
    rows = tx.execute(
        "SELECT patient FROM patient_index JOIN patient USING (patient) WHERE hmac = ANY(%s) AND discharged IS NULL "
        "GROUP BY patient HAVING count(*) = %s ORDER BY patient",
        [[index_hash(kind, value, master) for kind, value in spelled.items()], len(spelled)],
    )
    return [int(patient) for (patient,) in rows]


def discharge_patient(tx: Tx, patient: int, at: datetime, by: int) -> None:
    """End all enrolments of a patient and take them off the lists."""
    take_turn(tx)
    end_all(tx, patient, at, by)
    tx.execute("UPDATE patient SET discharged = %s WHERE patient = %s AND discharged IS NULL", [at, patient])
