"""The form of a manual observation: what is read from it, and what was observed last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from psycopg import AsyncConnection
from starlette.datastructures import FormData

from alerts.care.observations import OBSERVED, problems_of
from alerts.database import epoch_ms
from alerts.desk.web.context import text_of
from alerts.desk.worklist.snapshot import Snapshot
from alerts.desk.worklist.words import number, unit_of
from alerts.life.typed_number import decimal_number
from devices.vitals import VITALS, Vital, vital_named

_LABELS: Final = {
    Vital.RESPIRATORY_RATE: "Respiration",
    Vital.SPO2: "SpO₂",
    Vital.PULSE_RATE: "Pulse",
    Vital.SYSTOLIC: "Systolic",
    Vital.DIASTOLIC: "Diastolic",
    Vital.TEMPERATURE: "Temperature",
}
FIELDS: Final = tuple((VITALS[v].column, _LABELS[v], unit_of(v)) for v in OBSERVED)
_MOST: Final = 20
_LAST: Final = f"""
SELECT {epoch_ms("o.time")}, o.content::text, coalesce(p.name, 'somebody'), o.sent IS NOT NULL
FROM observation o LEFT JOIN person p ON p.person = o.by_person
WHERE o.patient = %s AND o.time > now() - interval '2 days' ORDER BY o.time DESC LIMIT {_MOST}"""
_VALUES: Final = msgspec.json.Decoder(dict[str, float])


@dataclass(frozen=True, slots=True)
class Observed:
    """An observation: its time (ms), its values in words, who made it, and whether the log has it."""

    at: int
    text: str
    by: str
    sent: bool


def values_of(form: FormData) -> tuple[dict[Vital, float], dict[str, str]]:
    """The values of a form, and its problems by field; an empty field was not measured."""
    values, problems = {}, {}
    for column, label, _ in FIELDS:
        text = text_of(form, column, 20)
        if not text:
            continue
        value = decimal_number(text)
        if value is None:
            problems[column] = f"{label}: write a number, such as 24."
        else:
            values[vital_named(column).vital] = value
    return values, problems or (problems_of(values) if values else {})


async def read_observed(connection: AsyncConnection[Any], patient: int) -> list[Observed]:
    """The newest observations of two days, the newest first; one that cannot be read is left out."""
    rows = await (await connection.execute(_LAST, (patient,))).fetchall()
    found = []
    for at, content, by, sent in rows:
        try:
            text = _words(_VALUES.decode(content))
        except (msgspec.DecodeError, KeyError):
            continue
        if at is not None:
            found.append(Observed(at, text, by, sent))
    return found


def _words(values: Mapping[str, float]) -> str:
    shown = []
    for column, value in values.items():
        vital = vital_named(column).vital
        shown.append(f"{VITALS[vital].short} {number(vital, value)}")
    return ", ".join(shown)


def counts_already(snapshot: Snapshot, patient: int, observed: list[Observed]) -> bool:
    """True once the newest observation came back out of the log, or there is none."""
    by_hand = [value.at for value in snapshot.values.get(patient, ()) if value.device == 0]
    return not observed or max(by_hand, default=0) >= observed[0].at
