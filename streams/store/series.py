"""Rollups: staged, then upserted."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import psycopg

from devices.wire.batch import PARTITIONS
from streams.engine.columns.arrays import Rows
from streams.store.copying import copy_in, timestamps

_MINUTE_MS: Final = 60_000
FIGURES: Final = ("n", "mean", "min", "max", "first", "last", "std", "slope", "poor")
_NULLABLE: Final = frozenset({"mean", "min", "max", "first", "last", "std", "slope"})


def newest(rows: Rows) -> Rows:
    """``rows`` (ROLLUP or LATE) without minutes that were computed again later in the same round."""
    order = np.lexsort([rows[name] for name in ("second", "offset", "minute", "device", "vital", "patient")])
    rows = rows[order]
    same = np.ones(max(len(rows) - 1, 0), bool)
    for name in ("patient", "vital", "device", "minute"):
        same &= rows[name][1:] == rows[name][:-1]
    return rows[np.append(~same, True)] if len(rows) else rows


def stage_rollups(tx: psycopg.Connection, rows: Rows) -> None:
    """COPY ``rows`` (ROLLUP [k]) into ``stage_rollup``."""
    columns = series_keys(rows, timestamps(rows["minute"] * _MINUTE_MS))
    columns |= {name: np.ascontiguousarray(rows[name]) for name in FIGURES}
    copy_in(tx, "stage_rollup", columns | {"changed_offset": np.ascontiguousarray(rows["offset"])})


def upsert_rollups(tx: psycopg.Connection, lost: list[int]) -> None:
    """Replace the minutes' rows by the staged ones, except of the ``lost`` partitions."""
    tx.execute(_UPSERT_ROLLUP, [lost])


def series_keys(rows: Rows, time: npt.NDArray[np.generic]) -> dict[str, npt.NDArray[np.generic]]:
    """The columns partition, patient, vital, device and ``time`` of ``rows`` [k]."""
    keys = {name: np.ascontiguousarray(rows[name]) for name in ("patient", "vital", "device")}
    return {"partition": np.mod(keys["patient"], PARTITIONS).astype(np.int32), **keys, "time": time}


_VALUES: Final = ", ".join(f"nullif({name}, 'NaN')" if name in _NULLABLE else name for name in FIGURES)
_UPSERT_ROLLUP: Final = f"""
INSERT INTO rollup_minute (patient, vital, device, time, {", ".join(FIGURES)}, changed_offset)
SELECT patient, vital, device, time, {_VALUES}, changed_offset FROM stage_rollup WHERE partition <> ALL(%s)
ON CONFLICT (patient, vital, device, time) DO UPDATE SET
({", ".join(FIGURES)}, changed_offset) = ({", ".join(f"excluded.{name}" for name in FIGURES)}, excluded.changed_offset)
""".encode()
