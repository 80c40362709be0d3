"""A partition is taken: whether its log goes on where the ledger stands, and what its state is restored from."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import numpy as np
import psycopg

from devices.wire.batch import Kind
from devices.wire.control import Control, decode_control
from streams.engine.round import RECORD, Round
from streams.kafka.log import Log
from streams.kafka.position import Appended, Extent
from streams.store.continue_after_loss import BEGUN_ANEW
from streams.store.ledger import Held

REFOLD_RECORDS: Final = 20_000
"""So much of a partition's log is folded again where its state is lost: some minutes, in a second or two."""


@dataclass(frozen=True, slots=True)
class Saved:
    """A partition's state at ``offset``: every record before it is in ``state``."""

    offset: int
    state: bytes


@contextmanager
def without_collector() -> Iterator[None]:
    """Python's cyclic garbage collector rests: what stands of a partition's patients is built at once, holds no cycle, and
    would be looked through again and again while it grows.
    """
    active = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if active:
            gc.enable()


def compare(log: Log, topic_id: str, held: Mapping[int, Held], extents: Mapping[int, Extent]) -> dict[int, str | None]:
    """:func:`damage` of each partition; asks the brokers for the last record stored, where log and ledger know it.

    Raises:
        KafkaException, TimeoutError: the brokers are away; try again.
    """
    stored = {
        p: one.offset - 1
        for p, one in held.items()
        if one.last is not None and extents[p].begin < one.offset <= extents[p].end and one.topic_id == topic_id
    }
    last = log.at(stored)
    return {p: damage(one, topic_id, extents[p], last.get(p)) for p, one in held.items()}


def damage(held: Held, topic_id: str, extent: Extent, last: Appended | None) -> str | None:
    """Why the log does not go on where the ledger stands, or ``None``.

    ``last`` is what the log holds at the last record stored: a log that was cut back and has grown again holds another one
    there, or appended it at another time (of a clock record every byte is the same).
    """
    if held.topic_id != topic_id:
        return "the topic was made again"
    if held.offset < extent.begin:
        return "records not yet stored have expired"
    if held.offset > extent.end:
        return "the log was cut back"
    if held.last is not None and extent.begin < held.offset and last != held.last:
        return "the log was cut back and has grown again"
    return None


def read_saved(db: psycopg.Connection, topic: str, partition: int) -> Saved | None:
    """The partition's last snapshot."""
    row = db.execute(
        b"SELECT at_offset, state FROM engine_state WHERE topic = %s AND partition = %s", [topic, partition]
    ).fetchone()
    return Saved(*row) if row else None


def begin_at(held: Held, extent: Extent, saved: Saved | None) -> int:
    """From which offset a partition is folded that has no state, or one that cannot be read.

    One that was never saved, from its log's beginning.  So a young log too, which makes the state exact; a longer one only
    as far back as a restart can wait for.
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
    rows = db.execute(_CONTROLS, [partition, before]).fetchall()
    records = np.zeros(len(rows), RECORD)
    controls: list[tuple[int, Control]] = []
    for n, (patient, offset, epoch, sequence, append, payload) in enumerate(rows):
        one = records[n]
        one["patient"], one["offset"], one["epoch"], one["first"], one["append"] = patient, offset, epoch, sequence, append
        controls.append((n, decode_control(payload.encode())))
    records["partition"], records["kind"] = partition, Kind.CONTROL
    return Round(records, controls=controls)
