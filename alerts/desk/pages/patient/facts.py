"""Oxygen and consciousness, which no wearable measures: a nurse enters them, and NEWS2 counts them once they took effect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal, cast

import msgspec
from psycopg import AsyncConnection

from alerts.care.facts import facts_of, set_facts
from alerts.database import Tx
from alerts.desk.worklist.snapshot import Patient

OXYGEN: Final[dict[str, bool | None]] = {"air": False, "oxygen": True, "unknown": None}
CONSCIOUSNESS: Final = {
    "A": "Alert",
    "C": "New confusion",
    "V": "Responds to voice",
    "P": "Responds to pain",
    "U": "Unresponsive",
    "unknown": "Not known",
}
"""The letters of ACVPU (Royal College of Physicians 2017) in words."""
_STORED: Final = """
SELECT kind, value, (extract(epoch FROM since) * 1000)::int8, coalesce(name, 'the system')
FROM patient_fact LEFT JOIN person ON person = by_person
WHERE patient = %s AND until IS NULL AND kind IN ('oxygen', 'consciousness')"""


@dataclass(frozen=True, slots=True)
class Entered:
    """A fact as last stored, with the time in ms and its author."""

    value: object
    at: int
    by: str


async def read_entered(connection: AsyncConnection[Any], patient: int) -> dict[str, Entered]:
    """The two facts as last stored, by kind."""
    cursor = await connection.execute(_STORED, (patient,))
    return {kind: Entered(value, at, by) for kind, value, at, by in await cursor.fetchall()}


def is_waiting(entered: dict[str, Entered], patient: Patient) -> bool:
    """True if what was stored last has not taken effect yet."""
    in_effect = {"oxygen": patient.facts.oxygen, "consciousness": patient.facts.consciousness}
    return any(one.value != in_effect[kind] for kind, one in entered.items())


def problems_of(oxygen: str, consciousness: str) -> dict[str, str]:
    """The problems of the form, by field."""
    found = {}
    if oxygen not in OXYGEN:
        found["oxygen"] = "Choose air, oxygen or not known"
    if consciousness not in CONSCIOUSNESS:
        found["consciousness"] = "Choose a level of consciousness or not known"
    return found


def store(tx: Tx, patient: int, oxygen: str, consciousness: str, by: int) -> None:
    """Store both facts from now on; the others stay as they are.  Errors as :func:`alerts.care.facts.set_facts`."""
    level = None if consciousness == "unknown" else cast("Literal['A', 'C', 'V', 'P', 'U']", consciousness)
    facts = msgspec.structs.replace(facts_of(tx, patient), oxygen=OXYGEN[oxygen], consciousness=level)
    set_facts(tx, patient, facts, by)
