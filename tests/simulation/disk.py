"""A disk that forgets what was not synced: it keeps an image of each SQLite file as its last commit left it.

A commit reaches the image only where SQLite was told to sync it (``synchronous`` full or more); a power cut in the middle of
one leaves the image before it, as SQLite's own journal would.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

from gateway.outbox.store import Store
from tests.simulation.loop import Killed, ProcessLoop

_SYNCS: Final = 2  # "pragma synchronous": full


class Disk:
    """``images``: by path.  ``cut_power`` makes the next commit of a path the last thing that happens: ``"before"`` it is
    synced, or ``"after"``.
    """

    def __init__(self) -> None:
        self.images: dict[Path, bytes] = {}
        self.cut_power: dict[Path, str] = {}
        self.full: set[Path] = set()
        self._open: dict[Path, sqlite3.Connection] = {}

    def connect(self, path: Path) -> sqlite3.Connection:
        """The file as a restart finds it; the process that had it open is dead."""
        if former := self._open.pop(path, None):
            former.close()
        db = self._open[path] = sqlite3.connect(":memory:", isolation_level=None)
        if path in self.images:
            db.deserialize(self.images[path])
        return db

    def close(self) -> None:
        """Close what the dead left open."""
        while self._open:
            self._open.popitem()[1].close()


class SimStore(Store):
    """The real store, on that disk, in the process of ``loop``."""

    def __init__(self, path: Path, limit: int, disk: Disk, loop: ProcessLoop) -> None:
        self._path, self._disk, self._loop = path, disk, loop
        super().__init__(path, limit, disk.connect, lambda: loop.scheduler.nonces.getrandbits(32))
        self._syncs = self._one("pragma synchronous") >= _SYNCS
        self._image_of = -1
        self._sync()

    def commit(self) -> None:
        if self._path in self._disk.full and self._db.total_changes != self._image_of:
            raise sqlite3.OperationalError("database or disk is full")
        when = self._disk.cut_power.pop(self._path, None)
        super().commit()
        if when != "before":
            self._sync()
        if when is not None:
            self._loop.kill()
            raise Killed

    def _sync(self) -> None:
        if self._syncs and self._db.total_changes != self._image_of:
            self._disk.images[self._path] = self._db.serialize()
            self._image_of = self._db.total_changes
