"""The place up to which the memory of each device has been read: the newest record of which all before it are stored."""

from __future__ import annotations

import sqlite3
from typing import Final

from devices.gatt.dialogue import Cursor

SCHEMA: Final = """
create table if not exists cursor (
  device integer not null, profile text not null, number integer not null, device_time integer not null,
  primary key (device, profile)) without rowid;
"""


class Cursors:
    """The cursors of one outbox; each method runs within the caller's transaction."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def of(self, device: int, profile: str) -> Cursor | None:
        """The cursor of one profile of a device; None before the first."""
        sql = "select number, device_time from cursor where device = ? and profile = ?"
        found = self._db.execute(sql, (device, profile)).fetchone()
        return None if found is None else Cursor(*found)

    def advance(self, device: int, profile: str, cursor: Cursor) -> None:
        """Keep ``cursor``; the readings before it are stored."""
        self._db.execute("insert or replace into cursor values (?, ?, ?, ?)", (device, profile, cursor.number, cursor.time))
