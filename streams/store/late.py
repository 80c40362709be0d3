"""Minutes older than the engine's ring: computed again from all stored readings, in the transaction that changed them."""

from __future__ import annotations

from typing import Final

import numpy as np
import psycopg

from streams.rollup import recompute
from streams.store.copying import copy_in, timestamps
from streams.store.recall import stored_in_minutes, stored_lately
from streams.store.series import newest, series_keys, stage_rollups, upsert_rollups
from streams.writes import LATE, Rows

RECENT_MS: Final = 600_000
"""Older minutes do not wait in an engine to be written, but for those that were corrected in its very last second."""


def stage_late(tx: psycopg.Connection, late: Rows) -> None:
    """COPY the minutes that ``late`` (LATE [k]) names into ``stage_late``."""
    late = newest(late)
    keys = series_keys(late, timestamps(late["minute"] * 60_000))
    copy_in(tx, "stage_late", keys | {"before_offset": np.ascontiguousarray(late["offset"])})


def recompute_late(tx: psycopg.Connection, late: Rows, lost: list[int]) -> None:
    """Write those minutes, except of the ``lost`` partitions.  The round's readings are inserted already; those behind the
    second in which a minute was named do not count: else the row would depend on where the log was cut into rounds.
    """
    late = newest(late)
    late = late[~np.isin(late["partition"], lost)]
    if not len(late):
        return
    stored = stored_in_minutes(tx, lost)
    rollups = recompute(late, stored.samples, stored.patient, stored.device)
    tx.execute(b"TRUNCATE stage_rollup")
    stage_rollups(tx, rollups)
    upsert_rollups(tx, lost)


def recompute_recent(tx: psycopg.Connection, partition: int, clock: int, before: int) -> None:
    """Write all minutes of a partition that may have waited to be written in a state that was lost: those of the last
    ``RECENT_MS`` before ``clock`` (ms), from what is stored of records before offset ``before``.
    """
    stored = stored_lately(tx, partition, (clock - RECENT_MS) // 60_000 * 60_000, before)
    late = np.zeros(len(stored.samples), LATE)
    late["patient"], late["device"], late["vital"] = stored.patient, stored.device, stored.samples["vital"]
    late["minute"] = stored.samples["time"] // 60_000
    late = np.unique(late)
    late["partition"], late["second"], late["offset"] = partition, clock // 1000, before - 1
    tx.execute(b"TRUNCATE stage_rollup")
    stage_rollups(tx, recompute(late, stored.samples, stored.patient, stored.device))
    upsert_rollups(tx, [])
