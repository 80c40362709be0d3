"""Notifications that share one message: a gateway's patients, and one fault of many partitions.  The rows stay."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

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


def grouped(waiting: Iterable[Waiting]) -> list[list[Waiting]]:
    """Groups of one cause, in the order of their first notification; in each, the most urgent first."""
    groups: dict[tuple[object, ...], list[Waiting]] = {}
    for one in waiting:
        groups.setdefault(one.cause, []).append(one)
    return [sorted(group, key=lambda one: (-one.priority, one.alarm)) for group in groups.values()]
