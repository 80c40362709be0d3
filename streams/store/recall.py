"""Stored readings read back as samples: what the engine's rings held, and minutes computed again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import psycopg
from psycopg import sql

from devices.sample import SAMPLE, Samples
from devices.vitals import VITALS
from devices.wire.batch import PARTITIONS
from streams.engine.columns.arrays import Ints
from streams.engine.snapshot.recall import Recall, Values
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


@dataclass(frozen=True, slots=True)
class Stored:
    """Samples as they are stored: SAMPLE [k] (``reading`` ignored), int64 [k] patient and device."""

    samples: Samples
    patient: Ints
    device: Ints


_PATIENTS: Final = f"SELECT DISTINCT patient FROM latest_of_device WHERE patient %% {PARTITIONS} = %s"
_RING: Final = [spec for spec in VITALS.values() if spec.continuous]
_ROW: Final = (("r.patient", "i4"), ("r.device", "i4"), ("r.time", "i8"))
_COLUMNS: Final[list[tuple[str, str]]] = [(f"array_send(array_agg({column}))", kind) for column, kind in _ROW]
for _name in [spec.column for spec in _RING]:  # of a vital that nobody has, or a status that is always OK, nothing
    _COLUMNS.extend(
        (f"CASE WHEN count({given}) > 0 THEN array_send(array_agg(coalesce({column}, {default}))) END", kind)
        for given, column, default, kind in (
            (f"coalesce(r.{_name}_status, r.{_name})", f"r.{_name}", "'NaN'", "f4"),
            (f"r.{_name}_status", f"r.{_name}_status", "0::int2", "i2"),
        )
    )
# One row of arrays: a row a reading costs the client 35 µs each.  And the patients as an array: of another subquery the
# planner makes a scan of all readings.
_SELECT_RING: Final = (
    f"SELECT {', '.join(column for column, _ in _COLUMNS)} FROM reading r"
    f" WHERE r.patient = ANY(ARRAY({_PATIENTS})) AND r.time >= to_timestamp(%s / 1000.0) AND r.at_offset < %s"
).encode()


def stored_since(tx: psycopg.Connection, partition: int, since: int, before: int) -> Recall:
    """The stored samples of a partition's continuous vitals, measured at ``since`` (ms) or later, from records before offset
    ``before``.
    """
    with tx.cursor(binary=True) as cursor:
        found = cursor.execute(_SELECT_RING, [partition, since, before]).fetchone()
    patient, device, time, *vitals = (_elements(data, kind) for data, (_, kind) in zip(found or (), _COLUMNS, strict=True))
    values: dict[int, Values] = {}
    for spec, value, status in zip(_RING, vitals[::2], vitals[1::2], strict=True):
        if not len(value):
            continue
        there = ~np.isnan(value)
        if len(status):
            there |= status != 0  # a value that is none says why
        row = np.flatnonzero(there)
        of = status[row].astype(np.uint8) if len(status) else np.zeros(len(row), np.uint8)
        values[spec.vital] = Values(row, value[row], of)
    return Recall(patient, device, milliseconds(time), values)


def stored_in_minute(tx: psycopg.Connection, patients: list[int], minute: int, before: int) -> Stored:
    """The stored samples of some patients, measured in a unix ``minute``, from records before offset ``before``."""
    condition = sql.SQL(
        "r.patient = ANY({}) AND r.time >= to_timestamp({}) AND r.time < to_timestamp({}) AND r.at_offset < {}"
    ).format(*map(sql.Literal, (patients, minute * 60, minute * 60 + 60, before)))
    return _read(tx, sql.SQL("reading r"), condition)


def patients_of(tx: psycopg.Connection, partition: int) -> list[int]:
    """The patients of a partition of whom anything is stored."""
    return [patient for (patient,) in tx.execute(_PATIENTS.encode(), [partition])]


def _elements(data: bytes | None, kind: str) -> npt.NDArray[Any]:
    """The elements of a one-dimensional array without NULLs, as ``array_send`` writes it; of no rows it is NULL."""
    layout = np.dtype([("length", ">i4"), ("value", f">{kind}")])
    return np.frombuffer(data or b"", layout, offset=_ARRAY_HEADER if data else 0)["value"].astype(kind)


_ARRAY_HEADER: Final = 20


def stored_in_minutes(tx: psycopg.Connection, piece: int, lost: Sequence[int]) -> Stored:
    """The stored samples of the minutes in a ``piece`` of ``stage_late``, from records before its offsets, except of the
    ``lost`` partitions.
    """
    return _read(
        tx,
        sql.SQL(
            "stage_late l JOIN reading r ON r.patient = l.patient AND r.device = l.device"
            " AND r.time >= l.time AND r.time < l.time + interval '1 minute' AND r.at_offset < l.before_offset"
        ),
        sql.SQL("v.vital = l.vital AND l.piece = {} AND l.partition <> ALL({})").format(piece, sql.Literal(list(lost))),
    )


def _read(tx: psycopg.Connection, source: sql.Composable, condition: sql.Composable) -> Stored:
    rows = copy_out(tx, _SELECT.format(source, _VALUES, condition), _KINDS)
    samples = np.zeros(len(rows), SAMPLE)
    samples["time"] = milliseconds(rows["time"].astype(np.int64))
    for name in ("value", "vital", "status"):
        samples[name] = rows[name]
    return Stored(samples, rows["patient"].astype(np.int64), rows["device"].astype(np.int64))
