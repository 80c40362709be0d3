"""Changes of a patient's facts as lines of the timeline: they change scores, and limits by scale 2."""

from __future__ import annotations

from typing import Any, Final

from psycopg import AsyncConnection

from alerts.desk.pages.patient.moment import Moment

_WORDS: Final[dict[str, tuple[str, dict[object, str]]]] = {
    "oxygen": ("Breathes", {False: "air", True: "oxygen"}),
    "consciousness": ("Consciousness", {}),
    "spo2_scale": ("NEWS2 SpO₂ scale", {}),
    "dry_weight": ("Dry weight (kg)", {}),
    "pregnant": ("Pregnant", {False: "no", True: "yes"}),
}
_CHANGES: Final = """
SELECT * FROM (
    SELECT kind, lag(value) OVER (PARTITION BY kind ORDER BY since) AS before, value,
        (extract(epoch FROM since) * 1000)::int8 AS at, coalesce(name, 'the system')
    FROM patient_fact LEFT JOIN person ON person = by_person
    WHERE patient = %s AND kind = ANY(%s)) f
WHERE before IS NOT NULL AND at >= %s ORDER BY at DESC LIMIT %s"""


async def read_fact_moments(connection: AsyncConnection[Any], patient: int, since: int, most: int) -> list[Moment]:
    """The changes since ``since`` (ms), ``most`` at most, the newest first; what was known at the admission is no change."""
    cursor = await connection.execute(_CHANGES, (patient, list(_WORDS), since, most))
    return [
        Moment(at, "note", "", f"{_WORDS[kind][0]}: {_word(kind, before)} → {_word(kind, value)}", by)
        for kind, before, value, at, by in await cursor.fetchall()
    ]


def _word(kind: str, value: object) -> str:
    return "not known" if value is None else _WORDS[kind][1].get(value, str(value))
