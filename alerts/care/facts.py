"""Facts of a patient that scores need and no wearable measures, each with its author and time."""

from __future__ import annotations

import msgspec
from psycopg.types.json import Jsonb

from alerts.care.identity import check_born
from alerts.care.records import check_in_care
from alerts.control.outbox import send, take_turn
from alerts.database import Tx, local_today, now
from devices.wire.control import Facts


def set_facts(tx: Tx, patient: int, facts: Facts, by: int) -> None:
    """Replace all facts of a patient from now on.

    Raises:
        InvalidIdentityError: the date of birth is none.
        InvalidControlError: another fact has a value that it cannot have.
        UnknownRecordError: there is no such patient.
        NotInCareError: the patient is discharged.
    """
    if facts.born is not None:
        check_born(facts.born, local_today(tx))
    take_turn(tx)
    check_in_care(tx, patient)
    before, after = _current(tx, patient), msgspec.structs.asdict(facts)
    at = now(tx)
    for kind, value in after.items():
        if kind in before and before[kind] == value:
            continue
        tx.execute(
            "UPDATE patient_fact SET until = %s WHERE patient = %s AND kind = %s AND until IS NULL", [at, patient, kind]
        )
        tx.execute(
            "INSERT INTO patient_fact (patient, kind, value, since, by_person) VALUES (%s, %s, %s, %s, %s)",
            [patient, kind, Jsonb(value), at, by],
        )
    send(tx, patient, facts, by)


def facts_of(tx: Tx, patient: int) -> Facts:
    """The facts of a patient that are known now."""
    return msgspec.convert(_current(tx, patient), Facts, strict=True)


def _current(tx: Tx, patient: int) -> dict[str, object]:
    rows = tx.execute("SELECT kind, value FROM patient_fact WHERE patient = %s AND until IS NULL", [patient])
    return {kind: value for kind, value in rows if kind in Facts.__struct_fields__}
