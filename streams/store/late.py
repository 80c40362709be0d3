"""Minutes older than the engine's ring: computed again from all stored readings, in the transaction that changed them."""

from __future__ import annotations

import numpy as np
import psycopg

from streams.rollup import recompute
from streams.store.copying import copy_in, timestamps
from streams.store.recall import stored_in_minutes
from streams.store.series import newest, series_keys, stage_rollups, upsert_rollups
from streams.writes import Rows


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
