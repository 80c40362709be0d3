"""Corrections of a patient's identity: a name, a date of birth or a record number that was mistyped."""

from __future__ import annotations

import msgspec

from alerts.care.facts import facts_of, set_facts
from alerts.care.identity import Identity, check_identity, identifiers, index_hash, seal_identity
from alerts.care.records import check_in_care
from alerts.control.outbox import take_turn
from alerts.database import Tx, local_today
from alerts.errors import DuplicateRecordError

_HOLDER = (
    "SELECT patient, discharged IS NOT NULL FROM patient_index JOIN patient USING (patient) "
    "WHERE hmac = %s AND patient <> %s ORDER BY patient LIMIT 1"
)


def correct_identity(tx: Tx, master: bytes, patient: int, identity: Identity, by: int) -> None:
    """Replace the identity of a patient in care; a changed date of birth goes to the engine as a fact.

    Raises:
        UnknownRecordError: there is no such patient.
        NotInCareError: the patient is discharged.
        DuplicateRecordError: another patient has this record number.
        InvalidIdentityError: the date of birth is none.
        InvalidTextError: a text is blank, too long, or cannot be stored.
    """
    identity = check_identity(identity, local_today(tx))
    take_turn(tx)
    check_in_care(tx, patient)
    check_record_is_free(tx, master, identity, patient)
    tx.execute("UPDATE patient SET identity = %s WHERE patient = %s", [seal_identity(identity, master, patient), patient])
    tx.execute("DELETE FROM patient_index WHERE patient = %s", [patient])
    write_index(tx, master, identity, patient)
    facts = facts_of(tx, patient)
    if facts.born != identity.born:
        set_facts(tx, patient, msgspec.structs.replace(facts, born=identity.born), by)


def check_record_is_free(tx: Tx, master: bytes, identity: Identity, patient: int) -> None:
    """Check that nobody but ``patient`` has the record number; call :func:`alerts.control.outbox.take_turn` first.

    Raises:
        DuplicateRecordError: another patient has it, in care or discharged.
    """
    if holder := holder_of_record(tx, master, identity, other_than=patient):
        raise DuplicateRecordError(holder[0], discharged=holder[1])


def holder_of_record(tx: Tx, master: bytes, identity: Identity, *, other_than: int = 0) -> tuple[int, bool] | None:
    """The patient who has this record number, and True if discharged; ``None`` if nobody has it or there is no number."""
    record = identifiers(identity).get("record")
    row = tx.execute(_HOLDER, [index_hash("record", record, master), other_than]).fetchone() if record else None
    return (row[0], row[1]) if row else None


def write_index(tx: Tx, master: bytes, identity: Identity, patient: int) -> None:
    """Let a patient be found by the identifiers of ``identity``."""
    with tx.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO patient_index (hmac, patient) VALUES (%s, %s)",
            [(index_hash(kind, value, master), patient) for kind, value in identifiers(identity).items()],
        )
