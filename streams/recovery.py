"""A partition is taken: whether its log goes on where the ledger stands, and what its state is restored from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import psycopg

from devices.batch import Kind
from devices.control import Control, decode_control
from streams.ledger import Held
from streams.round import RECORD, Round


@dataclass(frozen=True, slots=True)
class Extent:
    """Offsets that a partition of the log holds: ``begin`` to ``end`` - 1."""

    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Saved:
    """A partition's state at ``offset``: every record before it is in ``state``."""

    offset: int
    state: bytes


def damage(held: Held, topic_id: str, extent: Extent) -> str | None:
    """Why the log does not go on where the ledger stands, or ``None``."""
    if held.topic_id != topic_id:
        return "the topic was made again"
    if held.offset < extent.begin:
        return "records not yet stored have expired"
    if held.offset > extent.end:
        return "the log was cut back"
    return None


def read_saved(db: psycopg.Connection, topic: str, partition: int) -> Saved | None:
    """The partition's last snapshot."""
    row = db.execute(
        b"SELECT at_offset, state FROM engine_state WHERE topic = %s AND partition = %s", [topic, partition]
    ).fetchone()
    return Saved(*row) if row else None


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
