"""Manual observations: what a person counted or measured by hand goes into the log as a reading of the desk itself.

Nothing is decided here: the engine admits the reading, rules and scores judge it as a value measured by hand, and it is
valid as long as any value of its vital.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from psycopg.types.json import Jsonb

from alerts.care.consent import has_consented
from alerts.care.records import check_in_care
from alerts.control.outbox import CONTROL_CHANNEL, take_turn
from alerts.database import Tx, now, scalar
from alerts.errors import InvalidObservationError
from devices.vitals import VITALS, Vital

OBSERVED: Final = (
    Vital.RESPIRATORY_RATE,
    Vital.SPO2,
    Vital.PULSE_RATE,
    Vital.SYSTOLIC,
    Vital.DIASTOLIC,
    Vital.TEMPERATURE,
)
"""The vitals that are measured by hand."""


def observe(tx: Tx, patient: int, values: Mapping[Vital, float], by: int) -> int:
    """Record values that person ``by`` has measured just now; return the observation's number.  They count once the log has
    them, within seconds.  What was wrong is corrected by a new observation.

    Raises:
        InvalidObservationError: no value, one that nobody measures, or the patient has not consented.
        UnknownRecordError: there is no such patient.
        NotInCareError: the patient is discharged.
    """
    if problems := problems_of(values):
        raise InvalidObservationError(problems)
    take_turn(tx)
    check_in_care(tx, patient)
    if not has_consented(tx, patient):
        raise InvalidObservationError({"observation": "This patient has not consented: record the consent first."})
    content = Jsonb({vital.name.lower(): value for vital, value in values.items()})
    number: int = scalar(
        tx,
        "INSERT INTO observation (patient, time, content, by_person) "
        "VALUES (%s, date_trunc('milliseconds', %s::timestamptz), %s, %s) RETURNING observation",
        [patient, now(tx), content, by],
    )
    tx.execute("SELECT pg_notify(%s, '')", [CONTROL_CHANNEL])
    return number


def problems_of(values: Mapping[Vital, float]) -> dict[str, str]:
    """The problems of these values, in sentences by the column of the vital."""
    if not values:
        return {"observation": "Nothing was measured: enter one value at least."}
    found = {}
    for vital, value in values.items():
        spec = VITALS[vital]
        low, high = spec.plausible
        if vital not in OBSERVED:
            found[spec.column] = f"{spec.label} is not entered by hand."
        elif not low <= value <= high:
            found[spec.column] = (
                f"{spec.label} is {value:g}: nobody has less than {low:g} or more than {high:g}. Look again."
            )
    systolic, diastolic = values.get(Vital.SYSTOLIC), values.get(Vital.DIASTOLIC)
    if systolic is not None and diastolic is not None and diastolic >= systolic:
        found["diastolic"] = "The diastolic pressure is not below the systolic one: look again."
    return found
