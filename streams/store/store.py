"""One database transaction a round: readings, rollups, latest values, alarms, rejects and the ledger, or nothing."""

from __future__ import annotations

from dataclasses import dataclass, field

import psycopg

from streams.engine.writes import Writes
from streams.store import ledger
from streams.store.conditions import FoldConditions, fold_unless_held
from streams.store.damaged_keys import KeyFault, note_keys
from streams.store.events import insert_events, stage_events
from streams.store.late import recompute_late, stage_late
from streams.store.latest import move_latest, stage_latest
from streams.store.ledger import Move
from streams.store.readings import Readings, wide_rows
from streams.store.records import (
    Snapshot,
    insert_controls,
    insert_quarantined,
    insert_rejected,
    save_snapshots,
)
from streams.store.series import newest, stage_rollups, upsert_rollups


@dataclass(frozen=True, slots=True)
class RoundToStore:
    """``values``: the records as they stand in the log, by position in ``writes.round``; ``keys``: whose data key was found
    damaged, or opens again.
    """

    writes: Writes
    values: list[bytes]
    moves: list[Move]
    snapshots: list[Snapshot] = field(default_factory=list)
    keys: list[KeyFault] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Stored:
    """The result of a commit: partitions ``lost`` to somebody else (nothing of theirs was written), new ``readings``, second
    copies that differed, and True if the round had been committed before.
    """

    lost: frozenset[int]
    readings: int = 0
    differing: int = 0
    again: bool = False


def store_round(
    db: psycopg.Connection,
    topic: str,
    topic_id: str,
    todo: RoundToStore,
    fold: FoldConditions,
    readings: Readings | None = None,
) -> Stored:
    """Commit ``todo``.  ``db`` is in autocommit mode and prepared by :func:`streams.store.staging.prepare`; ``readings``
    remembers from round to round.

    Raises:
        psycopg.OperationalError: nothing was written, or it is unknown; try the same again.
    """
    writes = todo.writes
    rows = wide_rows(writes)
    with db.transaction():
        if len(rollups := newest(writes.rollups)):
            stage_rollups(db, rollups)
        if len(late := newest(writes.late)):
            stage_late(db, late)
        if len(writes.latest):
            stage_latest(db, writes.latest)
        if writes.events:
            stage_events(db, writes)
        checked = ledger.check(db, topic, todo.moves)
        if checked.done:
            return Stored(frozenset(), again=True)
        lost, absent = checked.lost, sorted(checked.lost)
        if len(lost) == len(todo.moves):
            return Stored(lost)
        new, differing = (readings or Readings()).insert(db, rows, lost)
        if len(rollups):
            upsert_rollups(db, absent)
        if len(late):
            recompute_late(db, late, absent)
        if len(writes.latest):
            move_latest(db, absent)
        if writes.events:
            insert_events(db, absent)
        insert_controls(db, writes, lost)
        insert_rejected(db, writes, todo.values, differing, topic_id, lost)
        insert_quarantined(db, writes, todo.values, topic_id, lost)
        save_snapshots(db, topic, todo.snapshots, lost)
        conditions = [condition for condition in writes.conditions if condition.partition not in lost]
        conditions += note_keys(db, todo.keys, lost)
        fold_unless_held(db, fold, conditions, [one.partition for one in todo.moves if one.partition not in lost])
        ledger.move(db, topic, [one for one in todo.moves if one.partition not in lost])
    return Stored(lost, new, len(differing))
