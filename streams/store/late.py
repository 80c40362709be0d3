"""Minutes older than the engine's ring: computed again from all stored readings, in the transaction that changed them."""

from __future__ import annotations

from typing import Final

import numpy as np
import psycopg

from streams.engine.columns.arrays import Rows
from streams.engine.series.ring import AHEAD
from streams.engine.series.rollup import recompute
from streams.engine.writes import LATE
from streams.store import ledger
from streams.store.copying import copy_in, timestamps
from streams.store.ledger import Held
from streams.store.recall import patients_of, stored_in_minute, stored_in_minutes
from streams.store.series import series_keys, stage_rollups, upsert_rollups

RECENT_MS: Final = 600_000
"""Older minutes do not wait in an engine to be written, but for those that were corrected in its very last second."""
MINUTES_AT_ONCE: Final = 1024
"""Minutes of a vital whose samples are in memory together: 60,000 at one a second, some 10 MB."""


def stage_late(tx: psycopg.Connection, late: Rows) -> None:
    """COPY the minutes that ``late`` (LATE [k], each once) names into ``stage_late``."""
    keys = series_keys(late, timestamps(late["minute"] * 60_000))
    keys |= {"before_offset": np.ascontiguousarray(late["offset"])}
    copy_in(tx, "stage_late", keys | {"piece": np.arange(len(late), dtype=np.int32) // MINUTES_AT_ONCE})


def recompute_late(tx: psycopg.Connection, late: Rows, lost: list[int]) -> None:
    """Write the minutes that are staged, except of the ``lost`` partitions, a piece of them at a time: a second of the log
    may hold many homes' backlogs.  The round's readings are inserted already; those behind the second in which a minute was
    named do not count: else the row would depend on where the log was cut into rounds.
    """
    for piece, first in enumerate(range(0, len(late), MINUTES_AT_ONCE)):
        some = late[first : first + MINUTES_AT_ONCE]
        some = some[~np.isin(some["partition"], lost)]
        if len(some):
            stored = stored_in_minutes(tx, piece, lost)
            _replace(tx, recompute(some, stored.samples, stored.patient, stored.device), lost)


def recompute_recent(tx: psycopg.Connection, partition: int, clock: int, before: int) -> None:
    """Write all minutes of a partition that may have waited to be written in a state that was lost: those of the last
    ``RECENT_MS`` before ``clock`` (ms), from what is stored of records before offset ``before``, a minute at a time.
    """
    patients = patients_of(tx, partition)
    for minute in range((clock - RECENT_MS) // 60_000, (clock // 1000 + AHEAD) // 60 + 1):
        stored = stored_in_minute(tx, patients, minute, before)
        if not len(stored.samples):
            continue
        late = np.zeros(len(stored.samples), LATE)
        late["patient"], late["device"], late["vital"] = stored.patient, stored.device, stored.samples["vital"]
        late["minute"] = minute
        late = np.unique(late)
        late["partition"], late["second"], late["offset"] = partition, clock // 1000, before - 1
        _replace(tx, recompute(late, stored.samples, stored.patient, stored.device), [])


def catch_up(db: psycopg.Connection, topic: str, held: Held) -> None:
    """Write the recent minutes of a partition whose state was lost, unless somebody else has taken it since."""
    mine = ledger.read(db, topic, lock=[held.partition])[held.partition].epoch == held.epoch
    if mine and held.last is not None:
        recompute_recent(db, held.partition, held.last.append, held.offset)


def _replace(tx: psycopg.Connection, rollups: Rows, lost: list[int]) -> None:
    tx.execute(b"TRUNCATE stage_rollup")
    stage_rollups(tx, rollups)
    upsert_rollups(tx, lost)
