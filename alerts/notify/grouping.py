"""Which notifications become one message: a gateway's patients, and what befalls many partitions.  The rows stay."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from alerts.fold.fold import GROUPED_RULE
from streams.engine.condition import Category, Priority


@dataclass(frozen=True, slots=True)
class Waiting:
    """A row of the outbox with what its alarm says of the cause."""

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

    @property
    def grouped(self) -> bool:
        """Whether others of its cause may share its message."""
        return self.subject_kind == "partition" or self.rule == GROUPED_RULE

    @property
    def cause(self) -> tuple[object, ...]:
        """The same for all that become one message."""
        if not self.grouped:
            return (self.notification,)
        return (self.recipient, self.channel, self.step, self.subject_kind, self.rule, self.source)


def grouped(waiting: Iterable[Waiting]) -> list[list[Waiting]]:
    """By cause, in the order of each one's first; within one, the most urgent first."""
    groups: dict[tuple[object, ...], list[Waiting]] = {}
    for one in waiting:
        groups.setdefault(one.cause, []).append(one)
    return [sorted(group, key=lambda one: (-one.priority, one.alarm)) for group in groups.values()]
