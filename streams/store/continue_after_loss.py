"""Going on after a log was damaged: what is gone is gone, the ledger moves to what came after it (docs/decisions/0067)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import psycopg

from devices.wire.batch import PARTITIONS
from streams.kafka.position import Appended
from streams.store.ledger import Held

BEGUN_ANEW: Final = b""
"""A partition's saved state where it begins without any: controls and open conditions are all that is known."""
_FAR: Final = 1 << 60

# Offsets order what is stored.  Where the log goes on at lower ones, what was stored before moves below them.
_CONTROLS: Final = b"UPDATE control SET at_offset = at_offset + %s WHERE partition = %s"
_REFUSED: Final = b"""
UPDATE rejected SET topic_id = topic_id || %s WHERE topic_id = %s AND partition = %s AND at_offset >= %s"""
_QUARANTINED: Final = b"""
UPDATE quarantine SET topic_id = topic_id || %s WHERE topic_id = %s AND partition = %s AND at_offset >= %s"""
_RECENT: Final = tuple(  # what rings are recalled from, and minutes whose hour is not computed yet
    f"UPDATE {table} SET {column} = %s WHERE patient %% {PARTITIONS} = %s AND {column} > %s"
    f" AND time > now() - interval '1 day'".encode()
    for table, column in (
        ("reading", "at_offset"),
        ("rollup_minute", "changed_offset"),
        ("rollup_hour", "changed_offset"),
    )
)


def go_on(
    tx: psycopg.Connection,
    topic: str,
    topic_id: str,
    held: Mapping[int, Held],
    starts: Mapping[int, int],
    last: Mapping[int, Appended | None],
) -> None:
    """Set the ledger of the damaged partitions ``held`` to ``starts``, where ``last`` stands just before.

    Whoever owns them writes nothing any more; who takes them next begins without state, with the controls stored.
    """
    for partition in sorted(starts):
        was, start, before = held[partition], starts[partition], last.get(partition)
        tx.execute(
            b"UPDATE ledger SET (topic_id, next_offset, epoch, damage, last_append, last_crc) ="
            b" (%s, %s, epoch + 1, NULL, coalesce(to_timestamp(%s / 1000.0), last_append), %s)"
            b" WHERE topic = %s AND partition = %s",
            [topic_id, start, before and before.append, before and before.crc, topic, partition],
        )
        tx.execute(
            b"INSERT INTO engine_state (topic, partition, at_offset, clock, state)"
            b" SELECT topic, partition, next_offset, coalesce(last_append, now()), %s FROM ledger"
            b" WHERE topic = %s AND partition = %s ON CONFLICT (topic, partition) DO UPDATE SET"
            b" (at_offset, clock, state, saved) = (excluded.at_offset, excluded.clock, excluded.state, now())",
            [BEGUN_ANEW, topic, partition],
        )
        if start < was.offset:
            tx.execute(_CONTROLS, [-_FAR, partition])  # out of the way first: each row is checked as it moves
            tx.execute(_CONTROLS, [_FAR - (was.offset - start), partition])
            before_it = f" before {was.epoch + 1}"
            for statement in (_REFUSED, _QUARANTINED):
                tx.execute(statement, [before_it, topic_id, partition, start])
            for statement in _RECENT:
                tx.execute(statement, [start - 1, partition, start - 1])
