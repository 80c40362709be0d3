"""The readings that a device has sent before: its records and messages, as the outbox remembers them.

Records of a device's own memory are few and may be read again after years: they are remembered for ever.  The messages of a
stream (one a second) come again only until the device has our acknowledgement; they are remembered by periods, the current
one and ``KEPT`` before it: at least as long as the log accepts a reading at all.  A message that comes even later is sent
again, and the log refuses it as too old.

The newest messages of a device are rows; what came before is packed, some thousands in one (:mod:`gateway.outbox.packed`).
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from typing import Final

from gateway.outbox.packed import Pairs, pack, unpack
from gateway.outbox.reading import Reading

PERIOD_MS: Final = 8 * 86_400_000
KEPT: Final = 4
"""Whole periods: 32 days; the log accepts readings of up to 30 days (design.md, Time)."""
_FORGET: Final = 5000
CHUNK: Final = 4096
"""Messages that are packed together; twice as many rows of a device stay at most."""
_UNDATED: Final = 0

SCHEMA: Final = """
create table if not exists record (
  device integer not null, device_time integer not null, number integer not null,
  primary key (device, device_time, number)) without rowid;
create table if not exists message (
  period integer not null, device integer not null, device_time integer not null, number integer not null,
  primary key (period, device, device_time, number)) without rowid;
create table if not exists packed (
  id integer primary key, period integer not null, device integer not null,
  first integer not null, last integer not null,           -- device times
  count integer not null, pairs blob not null);
create index if not exists packed_of on packed (device, last);
create index if not exists packed_in on packed (period);
"""


class Recognised:
    """The memory of records and messages; each method runs within the caller's transaction."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._rows: dict[tuple[int, int], int] = {}
        """Rows by period and device, as far as is known: a transaction that was undone leaves them too many."""
        self._count_rows()

    def first_time(self, reading: Reading, device_time: int, number: int) -> bool:
        """Remember a reading; return False if it is known."""
        key = (reading.device, device_time, number)
        if self._db.execute("select 1 from record where device = ? and device_time = ? and number = ?", key).fetchone():
            return False
        same = "select 1 from message where period = ? and device = ? and device_time = ? and number = ?"
        if any(self._db.execute(same, (period, *key)).fetchone() for period in self._periods()):
            return False
        if any((pairs == key[1:]).all(axis=1).any() for pairs in self._packed(reading.device, device_time)):
            return False
        if not reading.stream:
            self._db.execute("insert into record values (?, ?, ?)", key)
            return True
        period = reading.arrived.wall // PERIOD_MS if reading.arrived.sure else _UNDATED
        self._db.execute("insert into message values (?, ?, ?, ?)", (period, *key))
        self._rows[period, reading.device] = self._rows.get((period, reading.device), 0) + 1
        return True

    def at(self, device: int, device_time: int, limit: int) -> int:
        """Count the known readings of one instant of a device's clock, up to ``limit``."""
        where = "device = ? and device_time = ? limit ?"
        found = self._count(f"select 1 from record where {where}", device, device_time, limit)
        for period in self._periods():
            found += self._count(f"select 1 from message where period = {period} and {where}", device, device_time, limit)
        found += sum(int((pairs[:, 0] == device_time).sum()) for pairs in self._packed(device, device_time))
        return min(found, limit)

    def pack(self) -> int:
        """Pack some rows of one device, where it has many; return their number."""
        many = ((key, rows) for key, rows in self._rows.items() if rows >= 2 * CHUNK and key[0] != _UNDATED)
        (period, device), _ = next(many, ((0, 0), 0))
        if not period:
            return 0
        where = "message where period = ? and device = ?"
        pairs = self._db.execute(
            f"select device_time, number from {where} order by device_time, number limit ?", (period, device, CHUNK)
        ).fetchall()
        if len(pairs) < CHUNK:
            self._rows[period, device] = len(pairs)
            return 0
        self._db.execute(
            "insert into packed (period, device, first, last, count, pairs) values (?, ?, ?, ?, ?, ?)",
            (period, device, pairs[0][0], pairs[-1][0], len(pairs), pack(pairs)),
        )
        self._db.execute(f"delete from {where} and (device_time, number) <= (?, ?)", (period, device, *pairs[-1]))
        self._rows[period, device] -= len(pairs)
        return len(pairs)

    def forget(self, now: int) -> int:
        """Forget some of the messages that no device sends again, by a clock (ms) that is sure; return their number.

        Messages that came before the clock was set count as of now.
        """
        if self._db.execute("update message set period = ? where period = ?", (now // PERIOD_MS, _UNDATED)).rowcount:
            self._count_rows()
        for key in [one for one in self._rows if _UNDATED < one[0] < now // PERIOD_MS - KEPT]:
            del self._rows[key]
        packed = self._db.execute("delete from packed where period < ?", (now // PERIOD_MS - KEPT,)).rowcount
        return (
            packed
            + self._db.execute(
                "delete from message where (period, device, device_time, number) in"
                " (select period, device, device_time, number from message where period < ? limit ?)",
                (now // PERIOD_MS - KEPT, _FORGET),
            ).rowcount
        )

    def _count_rows(self) -> None:
        counts = self._db.execute("select period, device, count(*) from message group by period, device")
        self._rows = {(period, device): rows for period, device, rows in counts}

    def _packed(self, device: int, device_time: int) -> Iterator[Pairs]:
        """The packed pairs of a device among which ``device_time`` may be: for a new message none."""
        where = "device = ? and last >= ? and first <= ?"
        for (pairs,) in self._db.execute(f"select pairs from packed where {where}", (device, device_time, device_time)):
            with contextlib.suppress(ValueError):  # damaged on the disk
                yield unpack(pairs)

    def _periods(self) -> list[int]:
        """The periods that hold messages: a handful, each found by one step in the index."""
        found: list[int] = []
        last = self._db.execute("select min(period) from message").fetchone()[0]
        while last is not None:
            found.append(last)
            last = self._db.execute("select min(period) from message where period > ?", (last,)).fetchone()[0]
        return found

    def _count(self, sql: str, *values: int) -> int:
        return int(self._db.execute(f"select count(*) from ({sql})", values).fetchone()[0])
