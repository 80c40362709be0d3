"""Notifications that share one message: a gateway's patients, and one fault of many partitions.  The rows stay."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from alerts.fold.fold import GROUPED_RULE
from streams.engine.condition import Category, Priority


@dataclass(frozen=True, slots=True)
class Waiting:
    """A row of the outbox, with the cause of its alarm; ``alarm`` is 0 and ``words`` are there if it is about none.
    ``due`` in ms.
    """

    notification: int
    alarm: int
    recipient: str
    channel: str
    step: int
    attempts: int
    subject_kind: Literal["patient", "partition"]
    rule: str
    source: int
    priority: Priority
    category: Category
    due: int = 0
    words: str | None = None

    @property
    def person(self) -> int | None:
        """The number of the person to whom it goes, if it goes to one."""
        kind, _, number = self.recipient.partition(":")
        return int(number) if kind == "person" else None

    @property
    def grouped(self) -> bool:
        """True if other notifications of the same cause may share its message."""
        return self.subject_kind == "partition" or self.rule == GROUPED_RULE

    @property
    def cause(self) -> tuple[object, ...]:
        """The key that all notifications of one message share."""
        if not self.grouped:
            return (self.notification,)
        return (self.recipient, self.channel, self.step, self.subject_kind, self.rule, self.source)


FLOOD: Final = 4
"""The number of messages for one person by one channel, from which on they are one message."""


def flooded(waiting: Iterable[Waiting]) -> list[str]:
    """The people for whom many messages wait at once."""
    counts = Counter(one.recipient for one in waiting if one.person is not None and one.alarm)
    return [recipient for recipient, count in counts.items() if count >= FLOOD]


def grouped(waiting: Iterable[Waiting]) -> list[list[Waiting]]:
    """Groups of one cause, in the order of their first notification; in each, the most urgent first.

    Many messages for one person are one group, whatever their causes.
    """
    waiting = list(waiting)
    many = set(flooded(waiting))
    groups: dict[tuple[object, ...], list[Waiting]] = {}
    for one in waiting:
        groups.setdefault((one.recipient,) if one.recipient in many and one.alarm else one.cause, []).append(one)
    return [sorted(group, key=lambda one: (-one.priority, one.alarm)) for group in groups.values()]


def is_flood(group: Sequence[Waiting]) -> bool:
    """True if a group holds several causes: one message for one person about many patients."""
    return len({one.cause for one in group}) > 1
