"""Minutes older than the engine's ring: computed again from all stored readings, in the transaction that changed them."""

from __future__ import annotations

import numpy as np
import psycopg

from streams.rollup import recompute
from streams.round import Records
from streams.store.copying import copy_in, timestamps
from streams.store.recall import stored_in_minutes
from streams.store.series import newest, offsets_of_seconds, series_keys, stage_rollups, upsert_rollups
from streams.writes import Rows


def stage_late(tx: psycopg.Connection, late: Rows) -> None:
    """COPY the minutes that ``late`` (LATE [k]) names into ``stage_late``."""
    late = newest(late)
    copy_in(tx, "stage_late", series_keys(late, timestamps(late["minute"] * 60_000)))


def recompute_late(tx: psycopg.Connection, late: Rows, records: Records, lost: list[int]) -> None:
    """Write those minutes, except of the ``lost`` partitions; the round's readings are inserted already."""
    late = late[~np.isin(late["partition"], lost)]
    if not len(late):
        return
    stored = stored_in_minutes(tx, lost)
    rollups = recompute(late, stored.samples, stored.patient, stored.device)
    tx.execute(b"TRUNCATE stage_rollup")
    stage_rollups(tx, rollups, offsets_of_seconds(records, rollups["partition"], rollups["second"]))
    upsert_rollups(tx, lost)
