"""Data keys that cannot be opened: noted once, with a technical condition of whose records are refused for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import psycopg

from streams.engine.condition import KEY_DAMAGED, Condition, Priority


@dataclass(frozen=True, slots=True)
class KeyFault:
    """A sender whose ``key`` was found ``damaged``, or that is heard again; ``second``: of the record that tells."""

    partition: int
    patient: int
    gateway: int
    key: int
    second: int
    damaged: bool


def known_damaged(db: psycopg.Connection, partition: int) -> set[tuple[int, int]]:
    """(patient, gateway) of a partition whose damaged key is noted."""
    rows = db.execute(b"SELECT patient, gateway FROM damaged_key WHERE partition = %s", [partition])
    return {(patient, gateway) for patient, gateway in rows}


def note_keys(tx: psycopg.Connection, faults: Sequence[KeyFault], lost: frozenset[int]) -> list[Condition]:
    """Note ``faults``, but for the ``lost`` partitions; the conditions that begin and end with them.  What a header says of
    a patient who does not exist is passed over.
    """
    conditions = []
    for one in faults:
        if one.partition in lost:
            continue
        values = {"partition": one.partition, "patient": one.patient, "gateway": one.gateway, "key": one.key}
        if tx.execute(_BEGIN if one.damaged else _END, values).rowcount:
            conditions.append(condition_of(one))
    return conditions


def condition_of(one: KeyFault) -> Condition:
    return Condition(
        one.partition,
        one.second,
        one.patient or one.partition,
        KEY_DAMAGED,
        one.gateway,
        "onset" if one.damaged else "end",
        Priority.HIGH,
        "technical",
        of="patient" if one.patient else "partition",
        detail={"key": one.key},
    )


_BEGIN: Final = b"""
INSERT INTO damaged_key (partition, patient, gateway, key) SELECT %(partition)s, %(patient)s, %(gateway)s, %(key)s
WHERE %(patient)s = 0 OR EXISTS (SELECT FROM patient WHERE patient = %(patient)s) ON CONFLICT DO NOTHING"""
_END: Final = b"DELETE FROM damaged_key WHERE (partition, patient, gateway) = (%(partition)s, %(patient)s, %(gateway)s)"
