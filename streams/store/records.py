"""Rows stored a record at a time: controls that took effect, rejections, quarantine, snapshots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import psycopg

from devices.wire.control import encode_control, kind_of
from streams.engine.writes import Writes
from streams.store.readings import DIFFERS
from streams.store.refused import Refused, within_bounds

_KEEP_BYTES: Final = 1 << 20  # a rejected record larger than this is not kept, only its reason
_NO_SEQUENCE: Final = 1 << 63  # of a header that says what no outbox does


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The engine's small state of a partition after every record before ``offset``; ``clock`` ms of the last one."""

    partition: int
    offset: int
    clock: int
    state: bytes


def insert_controls(tx: psycopg.Connection, writes: Writes, lost: frozenset[int]) -> None:
    """Insert the controls that took effect, and where in the log."""
    of = writes.round.records[["patient", "partition", "offset", "epoch", "first", "append"]]
    rows = []
    for record, control in writes.controls:
        patient, partition, offset, epoch, first, append = of[record].item()
        if partition not in lost:
            payload = encode_control(control).decode()
            rows.append((patient, partition, kind_of(control), offset, epoch, first, payload, append))
    _insert(
        tx,
        b"INSERT INTO control (patient, partition, kind, at_offset, epoch, sequence, payload, took_effect)"
        b" SELECT p, q, k, o, e, s, v, to_timestamp(a / 1000.0) FROM unnest("
        b"%s::int4[], %s::int4[], %s::text[], %s::int8[], %s::int8[], %s::int8[], %s::jsonb[], %s::int8[])"
        b" AS x (p, q, k, o, e, s, v, a) ON CONFLICT DO NOTHING",
        rows,
    )


def insert_rejected(
    tx: psycopg.Connection,
    writes: Writes,
    values: Sequence[bytes],
    differing: Sequence[tuple[int, int, int]],
    topic_id: str,
    lost: frozenset[int],
) -> None:
    """Insert a row for each rejection that there is room for (:mod:`streams.store.refused`), with the record as it stood in
    the log where it was refused whole.  ``differing``: (partition, offset, reading) of second copies that are not like the
    first.
    """
    of = writes.round.records[["partition", "offset", "patient", "gateway", "device", "epoch", "first", "count"]]
    append = writes.round.records["append"]
    refused: list[tuple[int, int, str]] = []
    if differing:
        at = {place: n for n, place in enumerate(of[["partition", "offset"]].tolist())}
        refused += [(at[partition, offset], reading, DIFFERS) for partition, offset, reading in differing]
    refused += [(one.record, one.reading, one.reason) for one in writes.rejected]
    rows = []
    for n, reading, reason in refused:
        partition, offset, patient, gateway, device, epoch, first, count = of[n].item()
        whole = reading < 0 and len(values[n]) <= _KEEP_BYTES
        record = values[n] if whole and (values[n] or append[n]) else None  # without either there is none
        sequence = first + max(reading, 0)
        identity = (device, epoch, sequence if sequence < _NO_SEQUENCE else None, count if reading < 0 else 1)
        row = (partition, offset, reading, reason, record, patient, gateway, *identity)
        if partition not in lost:
            rows.append(Refused(partition, patient, gateway, record, row))
    _insert(
        tx,
        b"INSERT INTO rejected (topic_id, partition, at_offset, reading, reason, record, patient, gateway, device, epoch,"
        b" sequence, readings) SELECT %s, * FROM unnest(%s::int4[],"
        b" %s::int8[], %s::int4[], %s::text[], %s::bytea[], %s::int8[], %s::int8[], %s::int8[], %s::int8[], %s::int8[],"
        b" %s::int4[])"
        b" ON CONFLICT DO NOTHING",
        [one.row for one in within_bounds(tx, rows)],
        topic_id,
    )


def insert_quarantined(
    tx: psycopg.Connection, writes: Writes, values: Sequence[bytes], topic_id: str, lost: frozenset[int]
) -> None:
    """Insert the sealed records that are in nobody's chart yet, each with its reason, where there is room for them."""
    of = writes.round.records[["partition", "offset", "patient", "device", "gateway"]]
    rows = []
    for n, reason in writes.quarantined:
        partition, offset, patient, device, gateway = of[n].item()
        row = (partition, offset, patient, device, gateway, reason, values[n])
        if partition not in lost:
            rows.append(Refused(partition, patient, gateway, values[n], row))
    _insert(
        tx,
        b"INSERT INTO quarantine (topic_id, partition, at_offset, patient, device, gateway, reason, record)"
        b" SELECT %s, * FROM unnest("
        b"%s::int4[], %s::int8[], %s::int4[], %s::int4[], %s::int4[], %s::text[], %s::bytea[]) ON CONFLICT DO NOTHING",
        [one.row for one in within_bounds(tx, rows)],
        topic_id,
    )


def save_snapshots(tx: psycopg.Connection, topic: str, snapshots: Sequence[Snapshot], lost: frozenset[int]) -> None:
    """Replace each partition's snapshot by its newest."""
    _insert(
        tx,
        b"INSERT INTO engine_state (topic, partition, at_offset, clock, state)"
        b" SELECT %s, p, o, to_timestamp(c / 1000.0), s FROM unnest(%s::int4[], %s::int8[], %s::int8[], %s::bytea[])"
        b" AS x (p, o, c, s) ON CONFLICT (topic, partition) DO UPDATE SET"
        b" (at_offset, clock, state, saved) = (excluded.at_offset, excluded.clock, excluded.state, now())",
        [(s.partition, s.offset, s.clock, s.state) for s in snapshots if s.partition not in lost],
        topic,
    )


def _insert(tx: psycopg.Connection, statement: bytes, rows: Sequence[tuple[object, ...]], *same: str) -> None:
    """Execute ``statement`` with the values that are the ``same`` for all ``rows``, then an array a column."""
    if rows:
        tx.execute(statement, [*same, *map(list, zip(*rows, strict=True))])
