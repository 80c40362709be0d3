"""Stored readings read back as samples: what the engine's rings held, and minutes computed again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import psycopg
from psycopg import sql

from devices.batch import PARTITIONS
from devices.sample import SAMPLE, Samples
from devices.vitals import VITALS
from streams.store.copying import copy_out, milliseconds

_KEYS: Final = {"patient": "i4", "device": "i4", "time": "i8", "arrived": "i8"}
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
    "SELECT r.patient, r.device, r.time, r.arrived, coalesce(v.value, 'NaN'), v.vital, coalesce(v.status, 0::int2)"
    " FROM {} CROSS JOIN LATERAL (VALUES {}) AS v (vital, value, status)"
    " WHERE (v.value IS NOT NULL OR v.status IS NOT NULL) AND {}"
)


@dataclass(frozen=True, slots=True)
class StoredSamples:
    """``samples`` SAMPLE [k] (``reading`` is 0), ``patient`` and ``device`` int64 [k], ``arrived`` int64 ms [k]."""

    samples: Samples
    patient: npt.NDArray[np.int64]
    device: npt.NDArray[np.int64]
    arrived: npt.NDArray[np.int64]


def stored_since(tx: psycopg.Connection, partition: int, since: int, before: int) -> StoredSamples:
    """What is stored of a partition, measured at ``since`` (ms) or later, from records before offset ``before``."""
    patients = tx.execute(
        b"SELECT DISTINCT patient FROM latest WHERE patient %% %s = %s", [PARTITIONS, partition]
    ).fetchall()
    condition = sql.SQL("r.patient = ANY({}) AND r.time >= to_timestamp({} / 1000.0) AND r.at_offset < {}")
    return _read(
        tx,
        sql.SQL("reading r"),
        condition.format(sql.Literal([p for (p,) in patients]), sql.Literal(since), sql.Literal(before)),
    )


def stored_in_minutes(tx: psycopg.Connection, lost: Sequence[int]) -> StoredSamples:
    """What is stored in the minutes of ``stage_late``, except of the ``lost`` partitions."""
    return _read(
        tx,
        sql.SQL(
            "stage_late l JOIN reading r ON r.patient = l.patient AND r.device = l.device"
            " AND r.time >= l.time AND r.time < l.time + interval '1 minute'"
        ),
        sql.SQL("v.vital = l.vital AND l.partition <> ALL({})").format(sql.Literal(list(lost))),
    )


def _read(tx: psycopg.Connection, source: sql.Composable, condition: sql.Composable) -> StoredSamples:
    rows = copy_out(tx, _SELECT.format(source, _VALUES, condition), _KINDS)
    samples = np.zeros(len(rows), SAMPLE)
    samples["time"] = milliseconds(rows["time"].astype(np.int64))
    for name in ("value", "vital", "status"):
        samples[name] = rows[name]
    patient, device = rows["patient"].astype(np.int64), rows["device"].astype(np.int64)
    return StoredSamples(samples, patient, device, milliseconds(rows["arrived"].astype(np.int64)))
