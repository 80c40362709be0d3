"""Acts on an alarm that has changed since the person saw it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from alerts.life.events import HistoryKind

_CALLS_AGAIN: Final[frozenset[HistoryKind]] = frozenset({"onset", "worse", "returned", "shelf_ended"})
_TAKES_OVER: Final[frozenset[HistoryKind]] = frozenset({"acknowledge", "outcome", "shelve", "unshelve", "taken_back"})


def first_conflict(since: Iterable[tuple[HistoryKind, int]], by: int) -> int | None:
    """The position of the first entry (kind, actor) that person ``by`` must see before they act on an older version.

    These are acts of other people, and the alarm beginning to call again; ``None`` if there is none.  Repeats, ends, notes
    and a better condition do not make an act wrong.
    """
    for position, (kind, actor) in enumerate(since):
        if kind in _CALLS_AGAIN or (kind in _TAKES_OVER and actor != by):
            return position
    return None


def may_take_back(since: Iterable[HistoryKind]) -> bool:
    """True unless, after the act, the alarm began to call again: then there is nothing to take back any more."""
    return not _CALLS_AGAIN & set(since)
