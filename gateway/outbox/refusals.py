"""Bytes that nobody could use, each with its reason: they stay in the gateway until a person looks at them."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

from devices.wire.pairing import RefusedReadings
from gateway.outbox.reading import Refusal
from gateway.outbox.vault import Vault

KEPT: Final = 10_000
BYTES: Final = 1024
"""Refusals kept, the newest, and bytes kept of each."""
LOG: Final = "log"
"""The source of what the log refused for good."""
MOST_READINGS: Final = 1000

SCHEMA: Final = """
create table if not exists refused (
  id integer primary key, at integer not null, source text not null, device integer not null, reason text not null,
  data blob not null);
create table if not exists refused_place (place text primary key) without rowid;
"""


class Refusals:
    """Each method runs within the caller's transaction."""

    def __init__(self, db: sqlite3.Connection, vault: Vault) -> None:
        self._db, self._vault = db, vault
        db.execute("insert or ignore into meta values ('refused', 0)")

    def keep(self, refusal: Refusal) -> None:
        """Keep bytes with their reason, in place of the oldest."""
        last = self._db.execute(
            "insert into refused (at, source, device, reason, data) values (?, ?, ?, ?, ?)",
            (refusal.at, refusal.source, refusal.device, refusal.reason,
             self._vault.seal(refusal.device, refusal.data[:BYTES])),
        ).lastrowid  # fmt: skip
        self._db.execute("delete from refused where id <= ?", ((last or 0) - KEPT,))
        self._db.execute("update meta set value = value + 1 where name = 'refused'")

    def count(self) -> int:
        """The refusals there ever were."""
        return int(self._db.execute("select value from meta where name = 'refused'").fetchone()[0])

    @staticmethod
    def newest(db: sqlite3.Connection, vault: Vault, limit: int) -> list[Refusal]:
        """The newest refusals of an outbox, newest first."""
        rows = db.execute("select at, source, device, reason, data from refused order by id desc limit ?", (limit,))
        return [Refusal(at, source, device, reason, vault.unseal(device, data)) for at, source, device, reason, data in rows]

    def by_log(self, refused: Sequence[RefusedReadings], epoch: int, at: int) -> list[tuple[int, int, str, int]]:
        """Keep the readings of this outbox that the log refused, each place once; return (device, patient, reason, number of
        readings) of what is new.
        """
        found: dict[tuple[int, int, str], int] = {}
        for one in refused:
            new = self._db.execute(
                "insert or ignore into refused_place values (?)", ("/".join(map(str, one.place)),)
            ).rowcount
            if not new or one.epoch != epoch or one.count < 1:
                continue
            rows = self._db.execute(
                "select patient, payload, coalesce(measured, received) from reading where device = ? and sequence >= ?"
                " and sequence < ? order by sequence",
                (one.device, one.sequence, one.sequence + min(one.count, MOST_READINGS)),
            ).fetchall()
            for patient, payload, measured in rows:
                self.keep(Refusal(measured or at, LOG, one.device, one.reason, self._vault.unseal(one.device, payload)))
                key = one.device, patient, one.reason
                found[key] = found.get(key, 0) + 1
        return [(*key, count) for key, count in found.items()]
