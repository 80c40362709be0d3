"""Stored readings read back as samples: what the engine's rings held, and minutes computed again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import psycopg
from psycopg import sql

from devices.batch import PARTITIONS
from devices.sample import SAMPLE
from devices.vitals import VITALS
from streams.snapshot import Recall
from streams.store.copying import copy_out, milliseconds

_KEYS: Final = {"patient": "i4", "device": "i4", "time": "i8"}
_KINDS: Final = {**_KEYS, "value": "f4", "vital": "i2", "status": "i2"}
_VALUES: Final = sql.SQL(", ").join(
    [
        sql.SQL("({}::int2, r.{}, r.{})").format(
            sql.Literal(int(spec.vital)), sql.Identifier(spec.column), sql.Identifier(f"{spec.column}_status")
        )
        for spec in VITALS.values()
    ]
)
_SELECT: Final = sql.SQL(
    "SELECT r.patient, r.device, r.time, coalesce(v.value, 'NaN'), v.vital, coalesce(v.status, 0::int2)"
    " FROM {} CROSS JOIN LATERAL (VALUES {}) AS v (vital, value, status)"
    " WHERE (v.value IS NOT NULL OR v.status IS NOT NULL) AND {}"
)


_RING: Final = [spec for spec in VITALS.values() if spec.continuous]
_ABSENT: Final = -1
_COLUMNS: Final[list[tuple[str, str]]] = [(f"r.{name}", kind) for name, kind in _KEYS.items()]
for _name in [spec.column for spec in _RING]:
    _COLUMNS.append((f"coalesce(r.{_name}, 'NaN')", "f4"))
    _COLUMNS.append((f"coalesce(r.{_name}_status, CASE WHEN r.{_name} IS NULL THEN {_ABSENT} ELSE 0 END)::int2", "i2"))
# One row of arrays: a row a reading costs the client 35 µs each.  And the patients as an array: of a subquery the planner
# makes a scan of all readings.
_SELECT_RING: Final = (
    f"SELECT {', '.join(f'array_send(array_agg({column}))' for column, _ in _COLUMNS)} FROM reading r"
    " WHERE r.patient = ANY(%s) AND r.time >= to_timestamp(%s / 1000.0) AND r.at_offset < %s"
).encode()


def stored_since(tx: psycopg.Connection, partition: int, since: int, before: int) -> Recall:
    """What is stored of a partition's continuous vitals, measured at ``since`` (ms) or later, from records before offset
    ``before``.
    """
    with tx.cursor(binary=True) as cursor:
        found = cursor.execute(_SELECT_RING, [patients_of(tx, partition), since, before]).fetchone()
    patient, device, time, *vitals = (
        _elements(data, kind) for data, (_, kind) in zip(found or (), _COLUMNS, strict=True)
    )
    # a row becomes one sample for each vital that it holds
    there = [np.flatnonzero(status != _ABSENT) for status in vitals[1::2]]
    samples = np.zeros(sum(map(len, there)), SAMPLE)
    first = 0
    for spec, value, status, which in zip(_RING, vitals[::2], vitals[1::2], there, strict=True):
        part = samples[first : first + len(which)]
        part["value"], part["status"], part["vital"] = value[which], status[which], spec.vital
        first += len(which)
    row = np.concatenate(there)
    samples["time"] = milliseconds(time)[row]
    return Recall(samples, patient.astype(np.int64)[row], device.astype(np.int64)[row])


def stored_in_minute(tx: psycopg.Connection, patients: list[int], minute: int, before: int) -> Recall:
    """The same of all vitals of some patients, measured in a unix ``minute``."""
    condition = sql.SQL(
        "r.patient = ANY({}) AND r.time >= to_timestamp({}) AND r.time < to_timestamp({}) AND r.at_offset < {}"
    ).format(*map(sql.Literal, (patients, minute * 60, minute * 60 + 60, before)))
    return _read(tx, sql.SQL("reading r"), condition)


def patients_of(tx: psycopg.Connection, partition: int) -> list[int]:
    """The patients of a partition of whom anything is stored."""
    found = tx.execute(f"SELECT DISTINCT patient FROM latest_of_device WHERE patient % {PARTITIONS} = {partition}".encode())
    return [patient for (patient,) in found]


def _elements(data: bytes | None, kind: str) -> npt.NDArray[Any]:
    """The elements of a one-dimensional array without NULLs, as ``array_send`` writes it; of no rows it is NULL."""
    layout = np.dtype([("length", ">i4"), ("value", f">{kind}")])
    return np.frombuffer(data or b"", layout, offset=_ARRAY_HEADER if data else 0)["value"].astype(kind)


_ARRAY_HEADER: Final = 20


def stored_in_minutes(tx: psycopg.Connection, piece: int, lost: Sequence[int]) -> Recall:
    """What is stored in the minutes of a ``piece`` of ``stage_late``, of records before its offsets, except of the ``lost``
    partitions.
    """
    return _read(
        tx,
        sql.SQL(
            "stage_late l JOIN reading r ON r.patient = l.patient AND r.device = l.device"
            " AND r.time >= l.time AND r.time < l.time + interval '1 minute' AND r.at_offset < l.before_offset"
        ),
        sql.SQL("v.vital = l.vital AND l.piece = {} AND l.partition <> ALL({})").format(piece, sql.Literal(list(lost))),
    )


def _read(tx: psycopg.Connection, source: sql.Composable, condition: sql.Composable) -> Recall:
    rows = copy_out(tx, _SELECT.format(source, _VALUES, condition), _KINDS)
    samples = np.zeros(len(rows), SAMPLE)
    samples["time"] = milliseconds(rows["time"].astype(np.int64))
    for name in ("value", "vital", "status"):
        samples[name] = rows[name]
    return Recall(samples, rows["patient"].astype(np.int64), rows["device"].astype(np.int64))
