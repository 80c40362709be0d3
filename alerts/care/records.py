"""The row of a record that a caller names by its number."""

from __future__ import annotations

from typing import Any

from alerts.database import Tx
from alerts.errors import NotInCareError, UnknownRecordError


def row_of(tx: Tx, kind: str, number: int, query: str, *values: object) -> Any:
    """The row that ``query`` finds or changes; its last placeholder is ``number``, the others are ``values``.

    Raises:
        UnknownRecordError: there is no such row.
    """
    row = tx.execute(query, [*values, number]).fetchone()
    if row is None:
        raise UnknownRecordError(kind, number)
    return row


def check_in_care(tx: Tx, patient: int) -> None:
    """Check that a patient is in care.

    Raises:
        UnknownRecordError: there is no such patient.
        NotInCareError: the patient is discharged.
    """
    (discharged,) = row_of(tx, "patient", patient, "SELECT discharged FROM patient WHERE patient = %s")
    if discharged is not None:
        raise NotInCareError(patient, discharged)
