"""The readings that a device has sent before: its records and messages, as the outbox remembers them.

Records of a device's own memory are few and may be read again after years: they are remembered for ever.  The messages of a
stream (one a second) come again only until the device has our acknowledgement; they are remembered by periods, the current
one and ``KEPT`` before it: at least as long as the log accepts a reading at all.  A message that comes even later is sent
again, and the log refuses it as too old.
"""

from __future__ import annotations

import sqlite3
from typing import Final

from gateway.outbox.reading import Reading

PERIOD_MS: Final = 8 * 86_400_000
KEPT: Final = 4
"""Whole periods: 32 days; the log accepts readings of up to 30 days (design.md, Time)."""
_FORGET: Final = 5000
_UNDATED: Final = 0

SCHEMA: Final = """
create table if not exists record (
  device integer not null, device_time integer not null, number integer not null,
  primary key (device, device_time, number)) without rowid;
create table if not exists message (
  period integer not null, device integer not null, device_time integer not null, number integer not null,
  primary key (period, device, device_time, number)) without rowid;
"""


class Recognised:
    """The memory of records and messages; each method runs within the caller's transaction."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def first_time(self, reading: Reading, device_time: int, number: int) -> bool:
        """Remember a reading; return False if it is known."""
        key = (reading.device, device_time, number)
        if self._db.execute("select 1 from record where device = ? and device_time = ? and number = ?", key).fetchone():
            return False
        same = "select 1 from message where period = ? and device = ? and device_time = ? and number = ?"
        if any(self._db.execute(same, (period, *key)).fetchone() for period in self._periods()):
            return False
        if not reading.stream:
            self._db.execute("insert into record values (?, ?, ?)", key)
            return True
        period = reading.arrived.wall // PERIOD_MS if reading.arrived.sure else _UNDATED
        self._db.execute("insert into message values (?, ?, ?, ?)", (period, *key))
        return True

    def at(self, device: int, device_time: int, limit: int) -> int:
        """Count the known readings of one instant of a device's clock, up to ``limit``."""
        where = "device = ? and device_time = ? limit ?"
        found = self._count(f"select 1 from record where {where}", device, device_time, limit)
        for period in self._periods():
            found += self._count(f"select 1 from message where period = {period} and {where}", device, device_time, limit)
        return min(found, limit)

    def forget(self, now: int) -> int:
        """Forget some of the messages that no device sends again, by a clock (ms) that is sure; return their number.

        Messages that came before the clock was set count as of now.
        """
        self._db.execute("update message set period = ? where period = ?", (now // PERIOD_MS, _UNDATED))
        return self._db.execute(
            "delete from message where (period, device, device_time, number) in"
            " (select period, device, device_time, number from message where period < ? limit ?)",
            (now // PERIOD_MS - KEPT, _FORGET),
        ).rowcount

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
