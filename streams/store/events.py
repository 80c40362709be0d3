"""Events: one row each, stored once.  Nearly all are heartbeats, one a gateway and 30 s: they are copied like readings."""

from __future__ import annotations

from collections import defaultdict
from typing import Final

import numpy as np
import psycopg

from devices.wire.event import encode_event
from streams.engine.writes import Writes
from streams.store.copying import Columns, copy_blocks, timestamps
from streams.store.readings import record_columns

_JSONB: Final = b"\x01"  # the version that precedes the text of a jsonb on the wire


def stage_events(tx: psycopg.Connection, writes: Writes) -> None:
    """COPY the events into ``stage_event``: a block for each length that kind and value have."""
    alike: dict[tuple[int, int], list[tuple[int, int, bytes, bytes]]] = defaultdict(list)
    for record, event in writes.events:
        kind, value = str(event.__struct_config__.tag).encode(), _JSONB + encode_event(event)
        alike[len(kind), len(value)].append((record, event.at, kind, value))
    copy_blocks(tx, "stage_event", [_columns(writes, rows) for rows in alike.values()])


def insert_events(tx: psycopg.Connection, lost: list[int]) -> None:
    """Insert the staged events, except of the ``lost`` partitions."""
    tx.execute(
        b"INSERT INTO event (patient, time, device, epoch, sequence, gateway, kind, value, arrived, at_offset)"
        b" SELECT patient, time, device, epoch, sequence, gateway, kind, value, arrived, at_offset FROM stage_event"
        b" WHERE partition <> ALL(%s) ON CONFLICT DO NOTHING",
        [lost],
    )


def _columns(writes: Writes, rows: list[tuple[int, int, bytes, bytes]]) -> Columns:
    record, at, kind, value = zip(*rows, strict=True)
    of = writes.round.records[np.array(record)]
    return {
        **record_columns(of),
        "time": timestamps(np.array(at, np.int64)),
        "sequence": of["first"].astype(np.int64),
        "gateway": of["gateway"].astype(np.int32),
        "kind": np.array(kind),
        "value": np.array(value),
    }
