"""The sources from which the state of a partition is restored when it is taken."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import psycopg
import structlog

from devices.errors import MalformedBatchError
from devices.wire.batch import Kind
from devices.wire.control import Control, decode_control
from streams.engine.round import RECORD, Round
from streams.kafka.position import Extent
from streams.store.continue_after_loss import BEGUN_ANEW
from streams.store.damaged_keys import known_damaged
from streams.store.ledger import Held
from streams.worker.set_aside import ENGINE_FAILED, STORE_FAILED

REFOLD_RECORDS: Final = 20_000
"""Records of a partition's log that are folded again where its state is lost: some minutes, in a second or two."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Saved:
    """A partition's state at ``offset``: every record before it is in ``state``."""

    offset: int
    state: bytes


@dataclass(frozen=True, slots=True)
class Faults:
    """The records of a partition set ``aside`` (offset -> reason), and the (patient, gateway) noted for a damaged key."""

    aside: dict[int, str] = field(default_factory=dict)
    keys: set[tuple[int, int]] = field(default_factory=set)


@contextmanager
def without_collector() -> Iterator[None]:
    """Switch Python's cyclic garbage collector off: the state of a partition's patients is built at once, holds no cycle,
    and would be looked through again and again while it grows.
    """
    active = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if active:
            gc.enable()


def read_saved(db: psycopg.Connection, topic: str, partition: int) -> Saved | None:
    """The partition's last snapshot."""
    row = db.execute(
        b"SELECT at_offset, state FROM engine_state WHERE topic = %s AND partition = %s", [topic, partition]
    ).fetchone()
    return Saved(*row) if row else None


def read_faults(db: psycopg.Connection, topic_id: str, partition: int) -> Faults:
    """The faults of a partition that are noted: whoever folds its log again passes over the same records."""
    rows = db.execute(
        b"SELECT at_offset, reason FROM rejected WHERE topic_id = %s AND partition = %s AND reading = -1"
        b" AND (starts_with(reason, %s) OR starts_with(reason, %s))",
        [topic_id, partition, ENGINE_FAILED, STORE_FAILED],
    )
    return Faults(dict(rows.fetchall()), known_damaged(db, partition))


def begin_at(held: Held, extent: Extent, saved: Saved | None) -> int:
    """The offset from which a partition is folded that has no state, or one that cannot be read.

    A partition whose state was never saved is folded from the beginning of its log.  A young log is too, which makes the
    state exact; a longer one only as far back as a restart can wait for.
    """
    if saved is None:
        return extent.begin
    if saved.state == BEGUN_ANEW and extent.begin <= saved.offset <= held.offset:
        return saved.offset
    return max(extent.begin, held.offset - REFOLD_RECORDS)


_CONTROLS: Final = b"""
SELECT patient, at_offset, epoch, sequence, (extract(epoch FROM took_effect) * 1000)::int8, payload::text
FROM control WHERE partition = %s AND at_offset < %s ORDER BY at_offset"""


def controls_before(db: psycopg.Connection, partition: int, before: int) -> Round:
    """The controls that took effect before offset ``before``, as the round they came in.

    For a log that has expired from under a state that cannot be read: who may speak for whom is known from here.
    """
    return round_of_controls(partition, db.execute(_CONTROLS, [partition, before]).fetchall())


def round_of_controls(partition: int, stored: Iterable[tuple[int, int, int, int, int, str]]) -> Round:
    """The round of ``stored`` controls (patient, offset, epoch, sequence, append ms, payload), in the order of offsets."""
    rows = []
    for row in stored:
        try:
            rows.append((*row[:-1], decode_control(row[-1].encode())))
        except MalformedBatchError:
            _log.error("a row of the table control is damaged and passed over", partition=partition, at_offset=row[1])
    records = np.zeros(len(rows), RECORD)
    controls: list[tuple[int, Control]] = []
    for n, (patient, offset, epoch, sequence, append, control) in enumerate(rows):
        one = records[n]
        one["patient"], one["offset"], one["epoch"], one["first"], one["append"] = patient, offset, epoch, sequence, append
        controls.append((n, control))
    records["partition"], records["kind"] = partition, Kind.CONTROL
    return Round(records, controls=controls)
