"""The ledger: where each partition is to be read next, and who may store what it says.

Taking a partition makes its epoch greater; every transaction checks epoch and offset, so whoever lost a partition without
knowing it (a zombie) writes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import psycopg
import structlog

from streams.kafka.position import Appended

APPLICATION: Final = "vigil worker"
"""``application_name`` of a worker's session: nobody else's is ever ended."""
STUCK_S: Final = 3
"""A former owner's transaction older than this is ended: a stopped client would hold its locks for ever."""
_LOCK_TIMEOUT: Final = "2s"

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Held:
    """A partition taken: ``offset`` is the next to store, ``epoch`` the right to store it.  ``topic_id`` is of the topic
    it was stored from, ``last`` what the last record stored looked like, ``damage`` why it was not read until now.
    """

    partition: int
    offset: int
    epoch: int
    topic_id: str
    last: Appended | None = None
    damage: str | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """One round moves a partition from ``first`` to ``next``; ``append`` (ms, 0: unknown) and ``crc`` are its last's."""

    partition: int
    epoch: int
    first: int
    next: int
    append: int
    crc: int


def take(db: psycopg.Connection, topic: str, topic_id: str, starts: Mapping[int, int]) -> dict[int, Held]:
    """Take the partitions ``starts`` (partition -> where to begin one that was never read) for this session.

    Raises:
        psycopg.OperationalError: the database is away, or a former owner still holds a lock; try again.
    """
    partitions = sorted(starts)
    _end_stuck_owners(db, topic, partitions)
    with db.transaction():
        db.execute(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'".encode())
        db.execute(
            b"INSERT INTO ledger (topic, topic_id, partition, next_offset, epoch, owner)"
            b" SELECT %s, %s, p, o, 0, 0 FROM unnest(%s::int4[], %s::int8[]) AS x (p, o) ORDER BY p ON CONFLICT DO NOTHING",
            [topic, topic_id, partitions, [starts[p] for p in partitions]],
        )
        _lock(db, topic, partitions)
        rows = db.execute(
            b"UPDATE ledger SET epoch = epoch + 1, owner = pg_backend_pid() WHERE topic = %s AND partition = ANY(%s)"
            b" RETURNING " + _HELD,
            [topic, partitions],
        ).fetchall()
    return {row[0]: _held(*row) for row in rows}


def read(db: psycopg.Connection, topic: str, *, lock: Sequence[int] = ()) -> dict[int, Held]:
    """Read the ledger, by partition; nothing is taken.  Rows of the partitions ``lock`` (ascending) are locked."""
    if lock:
        _lock(db, topic, list(lock))
    rows = db.execute(b"SELECT " + _HELD + b" FROM ledger WHERE topic = %s ORDER BY partition", [topic]).fetchall()
    return {row[0]: _held(*row) for row in rows}


def note_damage(
    db: psycopg.Connection, topic: str, held: Mapping[int, Held], damage: Mapping[int, str | None]
) -> frozenset[int]:
    """Note the reason why each partition is not read (``None``: it is), unless somebody else has taken it since, or had it
    go on; return the partitions of which it is noted.
    """
    with db.transaction():
        _lock(db, topic, sorted(damage))
        rows = db.execute(
            b"UPDATE ledger l SET damage = x.w FROM unnest(%s::int4[], %s::int8[], %s::text[]) AS x (p, e, w)"
            b" WHERE l.topic = %s AND l.partition = x.p AND l.epoch = x.e RETURNING l.partition",
            [list(damage), [held[p].epoch for p in damage], list(damage.values()), topic],
        ).fetchall()
    return frozenset(row[0] for row in rows)


def keep(db: psycopg.Connection, topic: str, epochs: Mapping[int, int]) -> None:
    """Name this session the owner of partitions held over from a session that broke (partition -> epoch)."""
    with db.transaction():
        _lock(db, topic, sorted(epochs))
        db.execute(
            b"UPDATE ledger l SET owner = pg_backend_pid() FROM unnest(%s::int4[], %s::int8[]) AS x (p, e)"
            b" WHERE l.topic = %s AND l.partition = x.p AND l.epoch = x.e",
            [list(epochs), list(epochs.values()), topic],
        )


@dataclass(frozen=True, slots=True)
class Checked:
    """A round compared with the ledger: the partitions ``lost`` to others, and True if the round is ``done`` already (its
    commit reached the database, the answer did not reach us).
    """

    lost: frozenset[int]
    done: bool


def check(tx: psycopg.Connection, topic: str, moves: Sequence[Move]) -> Checked:
    """Lock the rows of ``moves``, by partition, and compare."""
    rows = {partition: (offset, epoch) for partition, offset, epoch in _lock(tx, topic, sorted(m.partition for m in moves))}
    lost = frozenset(m.partition for m in moves if rows.get(m.partition) != (m.first, m.epoch))
    return Checked(lost, any(rows.get(m.partition) == (m.next, m.epoch) for m in moves))


def move(tx: psycopg.Connection, topic: str, moves: Sequence[Move]) -> None:
    """Write where each partition stands now; the rows are locked and were checked."""
    tx.execute(
        b"UPDATE ledger l SET next_offset = x.n, owner = pg_backend_pid(),"
        b" last_append = CASE WHEN x.a > 0 THEN to_timestamp(x.a / 1000.0) ELSE l.last_append END,"
        b" last_crc = CASE WHEN x.a > 0 THEN x.c END"
        b" FROM unnest(%s::int4[], %s::int8[], %s::int8[], %s::int8[]) AS x (p, n, a, c)"
        b" WHERE l.topic = %s AND l.partition = x.p",
        [[m.partition for m in moves], [m.next for m in moves], [m.append for m in moves], [m.crc for m in moves], topic],
    )


_HELD: Final = b"partition, next_offset, epoch, topic_id, (extract(epoch FROM last_append) * 1000)::int8, last_crc, damage"


def _held(
    partition: int, offset: int, epoch: int, topic_id: str, append: int | None, crc: int | None, damage: str | None
) -> Held:
    last = None if append is None or crc is None else Appended(append, crc)
    return Held(partition, offset, epoch, topic_id, last, damage)


def _lock(tx: psycopg.Connection, topic: str, partitions: list[int]) -> list[tuple[int, int, int]]:
    return tx.execute(
        b"SELECT partition, next_offset, epoch FROM ledger WHERE topic = %s AND partition = ANY(%s)"
        b" ORDER BY partition FOR UPDATE",
        [topic, partitions],
    ).fetchall()


def _end_stuck_owners(db: psycopg.Connection, topic: str, partitions: list[int]) -> None:
    ended = db.execute(
        b"SELECT a.pid, pg_terminate_backend(a.pid) FROM pg_stat_activity a WHERE a.application_name = %s"
        b" AND a.pid <> pg_backend_pid() AND a.xact_start < clock_timestamp() - make_interval(secs => %s)"
        b" AND a.pid IN (SELECT owner FROM ledger WHERE topic = %s AND partition = ANY(%s))",
        [APPLICATION, STUCK_S, topic, partitions],
    ).fetchall()
    if ended:
        _log.warning("former owner's database session ended", sessions=len(ended))
