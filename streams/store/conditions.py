"""Conditions on their way into alarms: nobody who holds an alarm holds up a round.

A person's act, or the notifier's, takes milliseconds; but a desk may be stopped in the middle of one.  A round waits for
such a lock no longer than :data:`FIRST_MS`.  Then what would have changed that alarm waits in ``condition_waiting``, the
round is committed, and each later round of the partition tries again, in order.

docs/decisions/0165-nobody-waits-for-a-person.md
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Final, Protocol

import msgspec
import psycopg
import structlog

from streams import metrics
from streams.engine.condition import Condition

FIRST_MS: Final = 1000
"""A round waits so long for a lock that somebody else holds on an alarm."""
AGAIN_MS: Final = 20
"""The same for each alarm that was found held."""
Key = tuple[str, int, str, int]

_log = structlog.get_logger(__name__)
_TAKE: Final = b"DELETE FROM condition_waiting WHERE partition = ANY(%s) RETURNING nth, partition, condition::text"
_KEEP: Final = b"INSERT INTO condition_waiting (partition, condition) SELECT * FROM unnest(%s::int4[], %s::jsonb[])"


class FoldConditions(Protocol):
    """Folds conditions into alarms, inside the round's transaction (``alerts.fold.fold.fold_conditions``)."""

    def __call__(self, tx: psycopg.Connection, conditions: Sequence[Condition]) -> None: ...


def fold_nothing(tx: psycopg.Connection, conditions: Sequence[Condition]) -> None:
    """No alarms: benchmarks of the path without them."""


def fold_unless_held(
    tx: psycopg.Connection, fold: FoldConditions, conditions: Sequence[Condition], partitions: Collection[int]
) -> None:
    """Fold what waits of these ``partitions``, then ``conditions``; what somebody else holds the alarm of waits."""
    waiting = _take(tx, partitions)
    if not waiting and not conditions:
        return
    held = {key_of(one) for one in waiting}
    fresh = [one for one in conditions if key_of(one) not in held]
    left: list[Condition] = []
    tried_apart = [*waiting, *(one for one in conditions if key_of(one) in held)]
    if fresh and not _folds(tx, fold, fresh, FIRST_MS):
        tried_apart += fresh
    for some in _by_key(tried_apart):
        if not _folds(tx, fold, some, AGAIN_MS):
            left += some
    if left:
        keep = [[one.partition for one in left], [msgspec.json.encode(one, enc_hook=_plain).decode() for one in left]]
        tx.execute(_KEEP, keep)
        for rule, source in sorted({(one.rule, int(one.source)) for one in left if key_of(one) not in held}):
            metrics.CONDITIONS_HELD.inc()
            _log.warning("an alarm is held by another session: its conditions wait", rule=rule, source=source)


def _take(tx: psycopg.Connection, partitions: Collection[int]) -> list[Condition]:
    found = []
    for _, partition, text in sorted(tx.execute(_TAKE, [list(partitions)]).fetchall()):
        try:
            found.append(msgspec.json.decode(text, type=Condition))
        except (msgspec.DecodeError, RecursionError):
            _log.error("a row of the table condition_waiting is damaged and dropped", partition=partition)
    return found


def _folds(tx: psycopg.Connection, fold: FoldConditions, conditions: Sequence[Condition], lock_ms: int) -> bool:
    try:
        with tx.transaction():
            tx.execute(f"SET LOCAL lock_timeout = {lock_ms}".encode())
            fold(tx, conditions)
    except psycopg.errors.LockNotAvailable:
        return False
    return True


def _by_key(conditions: Iterable[Condition]) -> list[list[Condition]]:
    found: dict[Key, list[Condition]] = {}
    for one in conditions:
        found.setdefault(key_of(one), []).append(one)
    return list(found.values())


def key_of(one: Condition) -> Key:
    """One alarm while open."""
    return one.of, int(one.subject), one.rule, int(one.source)


def _plain(number: object) -> object:
    return number.item()  # type: ignore[attr-defined]
