"""What is stored a record at a time: controls that took effect, rejections, quarantine, snapshots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import psycopg

from devices.wire.control import encode_control, kind_of
from streams.engine.writes import Writes
from streams.store.readings import DIFFERS

_KEEP_BYTES: Final = 1 << 20  # a rejected record larger than this is not kept, only its reason


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The engine's small state of a partition after every record before ``offset``; ``clock`` ms of the last one."""

    partition: int
    offset: int
    clock: int
    state: bytes


def insert_controls(tx: psycopg.Connection, writes: Writes, lost: frozenset[int]) -> None:
    """What took effect, and where in the log."""
    of = writes.round.records
    rows = [(record, control) for record, control in writes.controls if int(of["partition"][record]) not in lost]
    if not rows:
        return
    at = np.array([record for record, _ in rows])
    tx.execute(
        b"INSERT INTO control (patient, partition, kind, at_offset, epoch, sequence, payload, took_effect)"
        b" SELECT p, q, k, o, e, s, v, to_timestamp(a / 1000.0) FROM unnest("
        b"%s::int4[], %s::int4[], %s::text[], %s::int8[], %s::int8[], %s::int8[], %s::jsonb[], %s::int8[])"
        b" AS x (p, q, k, o, e, s, v, a) ON CONFLICT DO NOTHING",
        [
            *(of[name][at].tolist() for name in ("patient", "partition")),
            [kind_of(control) for _, control in rows],
            *(of[name][at].tolist() for name in ("offset", "epoch", "first")),
            [encode_control(control).decode() for _, control in rows],
            of["append"][at].tolist(),
        ],
    )


def insert_rejected(
    tx: psycopg.Connection,
    writes: Writes,
    values: Sequence[bytes],
    differing: Sequence[tuple[int, int, int]],
    topic_id: str,
    lost: frozenset[int],
) -> None:
    """A row each; the record as it stood in the log where it was refused whole.  ``differing``: (partition, offset,
    reading) of second copies that are not like the first.
    """
    of = writes.round.records
    rows: list[tuple[int, int, int, str, bytes | None]] = [
        (
            int(of["partition"][one.record]),
            int(of["offset"][one.record]),
            one.reading,
            one.reason,
            values[one.record] if one.reading < 0 and len(values[one.record]) <= _KEEP_BYTES else None,
        )
        for one in writes.rejected
    ]
    rows += [(partition, offset, reading, DIFFERS, None) for partition, offset, reading in differing]
    rows = [row for row in rows if row[0] not in lost]
    if rows:
        tx.execute(
            b"INSERT INTO rejected (topic_id, partition, at_offset, reading, reason, record)"
            b" SELECT %s, * FROM unnest(%s::int4[], %s::int8[], %s::int4[], %s::text[], %s::bytea[]) ON CONFLICT DO NOTHING",
            [topic_id, *map(list, zip(*rows, strict=True))],
        )


def insert_quarantined(
    tx: psycopg.Connection, writes: Writes, values: Sequence[bytes], topic_id: str, lost: frozenset[int]
) -> None:
    """The sealed record, and why nobody's chart has it yet."""
    of = writes.round.records
    rows = [(record, why) for record, why in writes.quarantined if int(of["partition"][record]) not in lost]
    if not rows:
        return
    at = np.array([record for record, _ in rows])
    tx.execute(
        b"INSERT INTO quarantine (topic_id, partition, at_offset, patient, device, gateway, reason, record)"
        b" SELECT %s, * FROM unnest("
        b"%s::int4[], %s::int8[], %s::int4[], %s::int4[], %s::int4[], %s::text[], %s::bytea[]) ON CONFLICT DO NOTHING",
        [
            topic_id,
            *(of[name][at].tolist() for name in ("partition", "offset", "patient", "device", "gateway")),
            [why for _, why in rows],
            [values[record] for record, _ in rows],
        ],
    )


def save_snapshots(tx: psycopg.Connection, topic: str, snapshots: Sequence[Snapshot], lost: frozenset[int]) -> None:
    """The newest snapshot of a partition replaces the one before."""
    rows = [(s.partition, s.offset, s.clock, s.state) for s in snapshots if s.partition not in lost]
    if rows:
        tx.execute(
            b"INSERT INTO engine_state (topic, partition, at_offset, clock, state)"
            b" SELECT %s, p, o, to_timestamp(c / 1000.0), s FROM unnest(%s::int4[], %s::int8[], %s::int8[], %s::bytea[])"
            b" AS x (p, o, c, s) ON CONFLICT (topic, partition) DO UPDATE SET"
            b" (at_offset, clock, state, saved) = (excluded.at_offset, excluded.clock, excluded.state, now())",
            [topic, *map(list, zip(*rows, strict=True))],
        )
