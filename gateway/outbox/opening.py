"""Opens the outbox of a gateway; one that is damaged is salvaged first.

A salvage that is interrupted anywhere is begun again, or finished, at the next start: the new file has another name until it
is whole, and the damaged one stays in its place until then.
"""

from __future__ import annotations

import dataclasses
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog

from gateway.errors import OutboxDamagedError
from gateway.outbox.file import NO_ROOM
from gateway.outbox.salvage import Salvaged
from gateway.outbox.store import Store
from gateway.private_file import sync_folder

OpenStore = Callable[[Path, int], Store]
_SIDES: Final = ("-shm", "-wal", "")
"""The file itself is moved last."""

_log: Final = structlog.get_logger(__name__)


def open_or_salvage(
    path: Path, limit: int, open_store: OpenStore = Store, *, damage: str = ""
) -> tuple[Store, Salvaged | None]:
    """The outbox at ``path``, and what was salvaged if it is, or is known to be (``damage``), damaged.

    Raises :class:`OutboxDamagedError` where the damaged file cannot be salvaged; nothing is deleted then.
    """
    whole = path.with_name(path.name + ".salvaged")
    if whole.exists():
        _log.warning("an interrupted salvage of the outbox is finished", kept=str(_replace(path, whole)))
        damage = ""
    if not damage:
        try:
            return open_store(path, limit), None
        except OutboxDamagedError as error:
            damage = error.reason
    return _salvaged(path, limit, open_store, whole, damage)


def _salvaged(path: Path, limit: int, open_store: OpenStore, whole: Path, damage: str) -> tuple[Store, Salvaged]:
    draft = path.with_name(path.name + ".salvaging")
    for side in _SIDES:
        draft.with_name(draft.name + side).unlink(missing_ok=True)
    _log.error("the outbox is damaged, what can be read is saved", reason=damage)
    try:
        store = open_store(draft, limit)
        try:
            found = store.salvage(path, damage)
        finally:
            store.close()
        draft.rename(whole)
        sync_folder(path.parent)
        found = dataclasses.replace(found, kept=_replace(path, whole))
    except (OSError, sqlite3.Error) as error:
        passes = isinstance(error, OSError) or getattr(error, "sqlite_errorcode", 0) & 0xFF in NO_ROOM
        raise OutboxDamagedError(path, f"{damage}; saving what it holds failed: {error}", passes=passes) from None
    _log.error(
        "outbox salvaged",
        saved=found.saved,
        waiting=found.waiting,
        lost=found.lost,
        kept=str(found.kept),
        reason=damage,
    )
    return open_store(path, limit), found


def _replace(path: Path, whole: Path) -> Path:
    """Set the damaged file aside, with its write-ahead log, and put the ``whole`` one in its place."""
    number = 1
    while (kept := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    for side in _SIDES:
        if (one := path.with_name(path.name + side)).exists():
            one.rename(kept.with_name(kept.name + side))
    whole.rename(path)
    sync_folder(path.parent)
    return kept
