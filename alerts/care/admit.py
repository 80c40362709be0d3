"""Admitting, finding and discharging patients."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec

from alerts.care.correct import check_record_is_free, write_index
from alerts.care.enrol import end_all
from alerts.care.facts import set_facts
from alerts.care.identity import Identity, check_identity, identifiers, index_hash, open_identity, seal_identity
from alerts.care.layers import own_rules_of, send_own_rules
from alerts.care.pairing_codes import revoke_code
from alerts.care.pauses import pauses_of
from alerts.care.records import check_in_care, row_of
from alerts.control.data_keys import DESK, current_key
from alerts.control.outbox import send, take_turn
from alerts.database import Tx, local_today, scalar, scalars
from alerts.errors import InCareError, UnfinishedWorkError
from alerts.rules.suppression import EVERY_RULE
from devices.wire.control import Facts, PausedRule, Pauses

_ALWAYS: Final = 4_102_444_800_000  # the year 2100, in ms
_CALLING: Final = """
SELECT count(*) FROM alarm WHERE subject_kind = 'patient' AND subject = %s AND closed IS NULL AND life = 'unacknowledged'"""


def admit_patient(tx: Tx, master: bytes, identity: Identity, team: int, facts: Facts, by: int) -> int:
    """Admit a patient to a care team; return the patient's number.  No data is accepted before consent is given.

    ``facts.born`` comes from the identity if it is not given.

    Raises:
        InvalidIdentityError: the date of birth is none.
        InvalidTextError: a name is blank, too long, or holds characters that cannot be stored.
        UnknownRecordError: there is no such care team.
        DuplicateRecordError: another patient has the record number.
    """
    identity = check_identity(identity, local_today(tx))
    take_turn(tx)
    patient: int = scalar(tx, "SELECT nextval(pg_get_serial_sequence('patient', 'patient'))")
    row_of(tx, "care team", team, "SELECT FROM care_team WHERE team = %s")
    check_record_is_free(tx, master, identity, patient)
    tx.execute(
        "INSERT INTO patient (patient, identity, team) VALUES (%s, %s, %s)",
        [patient, seal_identity(identity, master, patient), team],
    )
    write_index(tx, master, identity, patient)
    current_key(tx, master, patient, DESK)
    set_facts(tx, patient, facts if facts.born else msgspec.structs.replace(facts, born=identity.born), by)
    if own_rules_of(tx, patient).sets:
        send_own_rules(tx, patient, by)
    return patient


def identity_of(tx: Tx, master: bytes, patient: int) -> Identity:
    """The identity of a patient.

    Raises:
        UnknownRecordError: there is no such patient.
        SealError: the identity was sealed under another master key.
    """
    (sealed,) = row_of(tx, "patient", patient, "SELECT identity FROM patient WHERE patient = %s")
    return open_identity(sealed, master, patient)


def find_patients(tx: Tx, master: bytes, known: Mapping[str, str]) -> list[int]:
    """Patients in care who match *all* of ``known`` (``name``, ``born`` as ISO date, ``record``); no wildcards."""
    spelled = identifiers(
        Identity(family=known.get("name", ""), given="", born=known.get("born", ""), record_number=known.get("record", ""))
    )
    if not spelled:
        return []
    return scalars(
        tx,
        "SELECT patient FROM patient_index JOIN patient USING (patient) WHERE hmac = ANY(%s) AND discharged IS NULL "
        "GROUP BY patient HAVING count(*) = %s ORDER BY patient",
        [[index_hash(kind, value, master) for kind, value in spelled.items()], len(spelled)],
    )


def discharge_patient(tx: Tx, patient: int, at: datetime, by: int) -> None:
    """End all enrolments and leaflets of a patient and remove the patient from the lists; :func:`readmit_patient` undoes the
    latter.

    All rules of the patient are paused until then, so that conditions end and no old value raises one again.

    Raises:
        UnknownRecordError: there is no such patient.
        NotInCareError: the patient is discharged already.
        UnfinishedWorkError: the patient has alarms that nobody has acknowledged.
    """
    take_turn(tx)
    check_in_care(tx, patient)
    if calling := scalar(tx, _CALLING, [patient]):
        raise UnfinishedWorkError(patient, calling)
    end_all(tx, patient, at, by)
    revoke_code(tx, patient)
    send(tx, patient, Pauses((PausedRule(EVERY_RULE, _ALWAYS),)), by)
    tx.execute("UPDATE patient SET discharged = %s WHERE patient = %s", [at, patient])


def readmit_patient(tx: Tx, patient: int, by: int) -> None:
    """Take a discharged patient into care again, with the facts, limits and consent as they were, and without devices.

    Raises:
        UnknownRecordError: there is no such patient.
        InCareError: the patient is in care.
    """
    take_turn(tx)
    (discharged,) = row_of(tx, "patient", patient, "SELECT discharged FROM patient WHERE patient = %s")
    if discharged is None:
        raise InCareError(patient)
    tx.execute("UPDATE patient SET discharged = NULL WHERE patient = %s", [patient])
    send(tx, patient, pauses_of(tx, patient), by)
