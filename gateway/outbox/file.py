"""The outbox's file: opened, checked, and what its errors mean."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

from gateway.errors import OutboxDamagedError, OutboxError, OutboxUnusableError
from gateway.private_file import sync_folder

NO_ROOM: Final = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_BUSY}
"""Errors that may pass by themselves."""
_DAMAGE: Final = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def open_file(path: Path) -> sqlite3.Connection:
    """Open the file at ``path``, or make it; only its owner may read it."""
    # The thread that opens it is not the one that uses it; only that one does.
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        path.chmod(0o600)
        sync_folder(path.parent)
    except OSError:
        db.close()
        raise
    return db


def is_damage(error: Exception) -> bool:
    """Return True for an error that comes of the file's content: it does not pass by itself."""
    return isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGE


def unopened(path: Path, error: sqlite3.Error) -> OutboxError:
    """The error of a file that cannot be opened; tables that are not those of an outbox count as damage."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if is_damage(error) or code == sqlite3.SQLITE_ERROR:
        return OutboxDamagedError(path, str(error))
    return OutboxUnusableError(path, str(error), passes=code in NO_ROOM)


def check(db: sqlite3.Connection) -> None:
    """Read the whole file once, so that damage is found now and not whenever a page is needed."""
    found = str(db.execute("pragma quick_check(1)").fetchone()[0])
    if found != "ok":
        error = sqlite3.DatabaseError(found.splitlines()[-1])
        error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise error
