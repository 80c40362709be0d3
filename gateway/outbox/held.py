"""Measurements of users whom nobody has named yet: they wait in the gateway, and leave it once their patient is known."""

from __future__ import annotations

import sqlite3
from typing import Final

import numpy as np

from devices.sample import SAMPLE
from gateway.clock import Stamp
from gateway.outbox.reading import Reading
from gateway.outbox.timing import Trust
from gateway.outbox.vault import Vault

MOST: Final = 1000
"""Measurements kept of each address, the newest."""
_NO_USER: Final = -1

SCHEMA: Final = """
create table if not exists held (
  id integer primary key, address text not null, user integer not null, payload blob not null, device_time integer,
  record integer, ahead integer not null, trust integer not null, wall integer not null, mono integer not null,
  boot text not null, sure integer not null, unique (address, user, device_time, record, payload));
create table if not exists bound_user (device integer primary key, user integer not null);
"""


class Held:
    """Each method runs within the caller's transaction."""

    def __init__(self, db: sqlite3.Connection, vault: Vault) -> None:
        self._db, self._vault = db, vault

    def hold(self, address: str, user: int | None, reading: Reading) -> None:
        """Keep a reading of ``user``, once; its device and patient are not known."""
        arrived = reading.arrived
        assert reading.samples is not None
        content, whose = reading.samples.tobytes(), (address, _NO_USER if user is None else user)
        same = "select payload from held where address = ? and user = ? and device_time is ? and record is ?"
        known = self._db.execute(same, (*whose, reading.device_time, reading.record))
        if any(self._vault.unseal(0, payload) == content for (payload,) in known):
            return
        self._db.execute(
            "insert into held (address, user, payload, device_time, record, ahead, trust, wall, mono, boot, sure)"
            " values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*whose, self._vault.seal(0, content), reading.device_time, reading.record, reading.ahead, reading.trust.code,
             arrived.wall, arrived.mono, arrived.boot, arrived.sure),
        )  # fmt: skip
        self._db.execute(
            "delete from held where address = ?"
            " and id not in (select id from held where address = ? order by id desc limit ?)",
            (address, address, MOST),
        )

    def take(self, address: str, user: int, device: int, patient: int) -> list[Reading]:
        """Remove the readings of ``user`` and return them as those of ``device`` and ``patient``."""
        rows = self._db.execute(
            "delete from held where address = ? and user = ? returning id, payload, device_time, record, ahead, trust, wall,"
            " mono, boot, sure",
            (address, user),
        ).fetchall()
        return [
            Reading(
                device, patient, Stamp(wall, mono, boot, bool(sure)),
                samples=np.frombuffer(self._vault.unseal(0, payload), SAMPLE),
                device_time=time, record=record, ahead=ahead, trust=Trust.of(trust),
            )
            for _, payload, time, record, ahead, trust, wall, mono, boot, sure in sorted(rows)
        ]  # fmt: skip

    def count(self, address: str) -> int:
        """The readings of an address that wait."""
        return int(self._db.execute("select count(*) from held where address = ?", (address,)).fetchone()[0])

    def bound(self, device: int) -> int | None:
        """The user that a device paired without one belongs to; None before the first was seen."""
        found = self._db.execute("select user from bound_user where device = ?", (device,)).fetchone()
        return None if found is None else int(found[0])

    def bind(self, device: int, user: int) -> None:
        """Remember the first user of a device."""
        self._db.execute("insert or ignore into bound_user values (?, ?)", (device, user))
