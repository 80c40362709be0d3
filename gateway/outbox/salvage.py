"""Saves what can be read of a damaged outbox: the file is set aside and kept, its rows go into a new one.

What is sealed is checked with its key.  The new outbox has its own epoch and counts anew, so every reading saved gets a
fresh identity; its time and its bytes stay.
What was delivered stays delivered: it is sent again only when the desk asks for that.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from devices.errors import MalformedBatchError
from devices.sample import SAMPLE, Status
from devices.wire.batch import Kind, Lane
from devices.wire.event import decode_event
from gateway.outbox.packed import unpack
from gateway.outbox.pages import Pages, Row, Value
from gateway.outbox.vault import Vault

_FIXED: Final = "device, sequence, patient, kind, lane, clock, measured, received, payload, device_time, ahead"
_COLUMNS: Final = f"{_FIXED}, boot, mono, wall, delivered"
_HELD: Final = {
    "address": str, "user": int, "payload": bytes, "device_time": int, "record": int, "ahead": int, "trust": int, "wall":
    int, "mono": int, "boot": str, "sure": int,
}  # fmt: skip
_LEAST_TIME: Final = 10**10
"""ms: a device time on a page of unknown table; smaller numbers there may be the columns of an index."""


@dataclass(frozen=True, slots=True)
class Salvaged:
    """Readings ``saved`` (``waiting`` of them for delivery) and ``lost``; ``kept`` is the damaged file."""

    saved: int
    waiting: int
    lost: int
    kept: Path
    reason: str

    def __str__(self) -> str:
        return (
            f"the outbox was damaged ({self.reason}): {self.saved} readings were saved, {self.waiting} of them still to be"
            f" sent, {self.lost} could not be read; the damaged file is kept as {self.kept}"
        )


def salvage(path: Path, into: sqlite3.Connection, reason: str, vault: Vault) -> Salvaged:
    """Read the damaged file at ``path`` into a new outbox, whose tables are there and empty; in one transaction."""
    pages, rescue, seen = Pages(path), _Rescue(into, vault), set[int]()
    takers: dict[str, Callable[[Row], None]] = {
        "reading": rescue.reading,
        "sqlite_autoindex_reading_1": rescue.known,
        "record": rescue.record,
        "message": rescue.message,
        "packed": rescue.packed,
        "refused": rescue.refused,
        "meta": rescue.meta,
        "held": rescue.held,
        "bound_user": rescue.bound_user,  # cursors are left out: what is lost is read again from the devices
    }
    into.execute("begin immediate")
    roots = pages.roots()
    for name, root in sorted(roots.items(), key=lambda one: one[0] != "reading"):
        take = takers.get(name, _pass_over)
        for row in pages.rows_below(root, seen):
            take(row)
    for row in _stray(pages, seen | pages.free()):
        rescue.by_shape(row)
    into.execute("commit")
    pages.close()
    return Salvaged(len(rescue.saved), rescue.waiting, rescue.lost(), path, reason)


def _pass_over(_: Row) -> None:
    """A row of another index: it stands in a table too."""


def _stray(pages: Pages, known: set[int]) -> Iterator[Row]:
    """The rows of pages that no tree leads to any more."""
    for number in range(1, pages.count + 1):
        if number not in known:
            yield from pages.rows_on(number)


class _Rescue:
    """Puts rows into the new outbox; a row that is none of ours is left out."""

    def __init__(self, into: sqlite3.Connection, vault: Vault) -> None:
        self._db, self._vault = into, vault
        self._counters: dict[int, int] = {}
        self._stored: set[tuple[int, int]] = set()
        """(device, sequence) that the index of the damaged file names."""
        self.saved: set[tuple[int, int]] = set()
        self.waiting = 0

    def reading(self, row: Row) -> None:
        columns = row[1][1:]
        if row[0] is None or not _is_reading(columns, self._vault) or columns[:2] in self.saved:
            return
        device, old = int(columns[0] or 0), int(columns[1] or 0)
        sequence = self._counters.get(device, 0)
        try:
            self._db.execute(
                f"insert into reading ({_COLUMNS}) values ({', '.join('?' * 15)})", (device, sequence, *columns[2:])
            )
        except sqlite3.IntegrityError:  # its millisecond is taken: an older copy of a reading
            return
        self._counters[device] = sequence + 1
        self._db.execute("insert or replace into counter values (?, ?)", (device, sequence + 1))
        self.saved.add((device, old))
        self.waiting += columns[-1] is None

    def known(self, row: Row) -> None:
        if len(row[1]) == 3 and all(isinstance(one, int) for one in row[1]):
            self._stored.add((int(row[1][0] or 0), int(row[1][1] or 0)))

    def record(self, row: Row) -> None:
        if _is_integers(row[1], 3):
            self._db.execute("insert or ignore into record values (?, ?, ?)", row[1])

    def message(self, row: Row) -> None:
        if _is_integers(row[1], 4):
            self._db.execute("insert or ignore into message values (?, ?, ?, ?)", row[1])

    def packed(self, row: Row) -> None:
        columns = row[1][1:]
        if row[0] is None or len(columns) != 6 or not isinstance(columns[5], bytes) or not _is_integers(columns[:5], 5):
            return
        try:
            pairs = unpack(columns[5])
        except ValueError:
            return
        if len(pairs) == columns[4]:
            self._db.execute(
                "insert into packed (period, device, first, last, count, pairs) values (?, ?, ?, ?, ?, ?)", columns
            )

    def refused(self, row: Row) -> None:
        if row[0] is not None and [type(one) for one in row[1][1:]] == [int, str, int, str, bytes]:
            self._db.execute("insert into refused (at, source, device, reason, data) values (?, ?, ?, ?, ?)", row[1][1:])

    def meta(self, row: Row) -> None:
        """The epoch is the new file's own."""
        if len(row[1]) == 2 and row[1][0] in {"resent", "refused"} and isinstance(row[1][1], int):
            self._db.execute("insert or replace into meta values (?, ?)", row[1])

    def held(self, row: Row) -> None:
        if row[0] is not None and _is_held(row[1][1:], self._vault):
            marks = ", ".join("?" * len(_HELD))
            self._db.execute(f"insert or ignore into held ({', '.join(_HELD)}) values ({marks})", row[1][1:])

    def bound_user(self, row: Row) -> None:
        if row[0] is not None and _is_integers(row[1][1:], 1):
            self._db.execute("insert or ignore into bound_user values (?, ?)", (row[0], row[1][1]))

    def by_shape(self, row: Row) -> None:
        """Take a row of a page that belongs to no table any more, by its columns."""
        columns = row[1]
        if row[0] is not None:
            self.reading(row)
            self.refused(row)
            self.packed(row)
        elif _is_integers(columns, 4) and _plausible(columns[1], columns[2]):
            self.message(row)
        elif _is_integers(columns, 3) and _plausible(columns[0], columns[1]):
            self.record(row)

    def lost(self) -> int:
        """Readings of which only the index, or a hole in the count, is left."""
        named = self._stored
        if not named:
            spans: dict[int, list[int]] = {}
            for device, sequence in self.saved:
                spans.setdefault(device, []).append(sequence)
            named = {(device, n) for device, found in spans.items() for n in range(min(found), max(found))}
        return len(named - self.saved)


def _is_integers(columns: tuple[Value, ...], count: int) -> bool:
    return len(columns) == count and all(isinstance(one, int) for one in columns)


def _is_held(columns: tuple[Value, ...], vault: Vault) -> bool:
    if len(columns) != len(_HELD) or not all(
        isinstance(one, kind) or (one is None and name in {"device_time", "record"})
        for one, (name, kind) in zip(columns, _HELD.items(), strict=True)
    ):
        return False
    payload = vault.unseal(0, columns[2]) if isinstance(columns[2], bytes) else b""
    return bool(payload) and not len(payload) % SAMPLE.itemsize


def _plausible(device: Value, device_time: Value) -> bool:
    return 0 < int(device or 0) < 2**32 and int(device_time or 0) > _LEAST_TIME


def _is_reading(columns: tuple[Value, ...], vault: Vault) -> bool:
    if len(columns) != 15 or not all(isinstance(one, int) for one in (*columns[:6], columns[10])):
        return False
    kind, lane, clock, payload = columns[3], columns[4], columns[5], columns[8]
    if kind not in {Kind.SAMPLES, Kind.EVENT} or lane not in set(Lane) or clock not in range(8):
        return False
    if not all(one is None or isinstance(one, int) for one in (columns[6], columns[7], columns[9], *columns[12:])):
        return False
    if (columns[6] is None) != (columns[11] is not None) or not isinstance(payload, bytes):
        return False
    if not 0 <= int(columns[0] or 0) < 1 << 32:
        return False
    payload = vault.unseal(int(columns[0] or 0), payload)
    if kind == Kind.EVENT:
        try:
            decode_event(payload)
        except MalformedBatchError:
            return False
        return True
    if not payload or len(payload) % SAMPLE.itemsize:
        return False
    return bool((np.frombuffer(payload, SAMPLE)["status"] <= max(Status)).all())
