"""Bounds of what is kept of refused records: of each sender, of each partition, and in time.

Whoever sends rubbish without end fills no disk: beyond the bound a record is counted and not kept.  It is said once when
that begins, and by ``vigil maintain`` with how many they were.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar

import psycopg
import structlog

from streams import metrics

OF_SENDER: Final = 64 << 20
"""Bytes kept of one patient and gateway: about a hundred thousand records, some days of a device that is refused."""
OF_PARTITION: Final = 512 << 20
"""Bytes kept of a partition, whatever its records' headers say: these are written by whoever may write to the log."""
ROW: Final = 200
"""Bytes that a row takes beside its record."""

_log = structlog.get_logger(__name__)
_R = TypeVar("_R", bound="Refused")
Sender = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Refused:
    """A row of ``rejected`` or ``quarantine`` that is to be kept, ``row`` in order of its columns."""

    partition: int
    patient: int
    gateway: int
    record: bytes | None
    row: tuple[object, ...]

    @property
    def size(self) -> int:
        return ROW + len(self.record or b"")

    @property
    def counted_as(self) -> tuple[Sender, Sender]:
        """The two bounds it falls under."""
        return (self.partition, self.patient, self.gateway), (self.partition, -1, -1)


def within_bounds(tx: psycopg.Connection, rows: Sequence[_R]) -> list[_R]:
    """Those of ``rows`` for which there is room; the others are counted.  The caller holds the partitions in the ledger."""
    if not rows:
        return []
    senders = sorted({sender for one in rows for sender in one.counted_as})
    partitions, patients, gateways = map(list, zip(*senders, strict=True))
    found = tx.execute(_LOCK, [partitions, patients, gateways]).fetchall()
    kept = {(partition, patient, gateway): size for partition, patient, gateway, size, _ in found}
    dropped_before = {(partition, patient, gateway): n for partition, patient, gateway, _, n in found}
    dropped: dict[Sender, int] = defaultdict(int)
    room = []
    for one in rows:
        of_sender, of_partition = one.counted_as
        whole = kept.get(of_sender, 0) + one.size > OF_SENDER or kept.get(of_partition, 0) + one.size > OF_PARTITION
        if whole:
            dropped[of_sender] += 1
            continue
        room.append(one)
        for sender in one.counted_as:
            kept[sender] = kept.get(sender, 0) + one.size
    tx.execute(
        _COUNT,
        [partitions, patients, gateways, [kept.get(s, 0) for s in senders], [dropped.get(s, 0) for s in senders]],
    )
    metrics.REFUSED_DROPPED.inc(sum(dropped.values()))
    for partition, patient, gateway in sorted(s for s in dropped if not dropped_before.get(s)):
        _log.error(
            "so much of this sender is refused that no more of it is kept: vigil rejected list shows why",
            partition=partition, patient=patient, gateway=gateway,
        )  # fmt: skip
    return room


@dataclass(frozen=True, slots=True)
class Dropped:
    """Rows deleted for their age, and records that were never kept, since this was last asked."""

    old: int
    never_kept: int


def drop_refused(db: psycopg.Connection[Any], before: datetime) -> Dropped:
    """Delete what was refused ``before``, partition by partition, and tell of what was dropped since the last time."""
    old = 0
    for (partition,) in db.execute(_PARTITIONS, [before, before]).fetchall():
        with db.transaction():
            db.execute(b"SELECT FROM refused_tally WHERE partition = %s ORDER BY patient, gateway FOR UPDATE", [partition])
            for statement in (_OLD_REJECTED, _OLD_QUARANTINED):
                (n,) = db.execute(statement, {"partition": partition, "before": before, "row": ROW}).fetchone() or (0,)
                old += n
    (never,) = db.execute(_SAY).fetchone() or (0,)
    return Dropped(old, never)


_LOCK: Final = b"""
SELECT partition, patient, gateway, kept, dropped FROM refused_tally
WHERE (partition, patient, gateway) IN (SELECT * FROM unnest(%s::int4[], %s::int8[], %s::int8[]))
ORDER BY partition, patient, gateway FOR UPDATE"""
_COUNT: Final = b"""
INSERT INTO refused_tally AS t (partition, patient, gateway, kept, dropped)
SELECT * FROM unnest(%s::int4[], %s::int8[], %s::int8[], %s::int8[], %s::int8[])
ON CONFLICT (partition, patient, gateway) DO UPDATE SET (kept, dropped) = (excluded.kept, t.dropped + excluded.dropped)"""
_PARTITIONS: Final = b"""
SELECT partition FROM rejected WHERE at < %s UNION SELECT partition FROM quarantine WHERE at < %s ORDER BY 1"""
_OLD: Final = """
WITH gone AS (
    DELETE FROM {table} WHERE partition = %(partition)s AND at < %(before)s
    RETURNING patient, gateway, %(row)s + coalesce(octet_length(record), 0) AS size
), freed AS (
    SELECT patient::int8, gateway::int8, sum(size) AS size FROM gone GROUP BY 1, 2
    UNION ALL SELECT -1, -1, sum(size) FROM gone
), counted AS (
    UPDATE refused_tally t SET kept = greatest(t.kept - f.size, 0) FROM freed f
    WHERE t.partition = %(partition)s AND t.patient = f.patient AND t.gateway = f.gateway
)
SELECT count(*) FROM gone"""
_OLD_REJECTED, _OLD_QUARANTINED = (_OLD.format(table=table).encode() for table in ("rejected", "quarantine"))
_SAY: Final = b"""
WITH news AS (SELECT partition, patient, gateway, dropped, dropped - said AS n FROM refused_tally WHERE dropped > said),
told AS (
    UPDATE refused_tally t SET said = n.dropped FROM news n
    WHERE (t.partition, t.patient, t.gateway) = (n.partition, n.patient, n.gateway)
)
SELECT coalesce(sum(n), 0)::int8 FROM news"""
