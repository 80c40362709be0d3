"""The events of an alarm's life (conditions, acts of people, time) and their effects."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from alerts.life.alarm import Decided, Outcome
from streams.engine.condition import Condition, Priority

HistoryKind = Literal[
    "onset", "worse", "better", "end", "late",
    "acknowledge", "outcome", "note", "shelve", "unshelve",
    "repeat", "returned", "shelf_ended", "closed", "reassign", "taken_back",
]  # fmt: skip
"""The kinds of the table ``alarm_event``.  "late": an earlier episode was found in late data while the alarm was open;
"repeat" stands in old rows only: calls are the episode's."""
CallReason = Literal["onset", "worse", "repeat"]


@dataclass(frozen=True, slots=True)
class _ActOfPerson:
    """``by``: the person; ``at`` in ms, as everywhere here."""

    by: int
    at: int


class Acknowledge(_ActOfPerson):
    """The person takes the alarm on; it is silent while the condition persists."""


@dataclass(frozen=True, slots=True)
class RecordOutcome(_ActOfPerson):
    """The result of the work.  A false alarm needs a ``reason``.  On an unacknowledged alarm this acknowledges too."""

    outcome: Outcome
    reason: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class AddNote(_ActOfPerson):
    note: str


@dataclass(frozen=True, slots=True)
class Shelve(_ActOfPerson):
    """Silence until ``until``, or until it gets worse; at most :class:`alerts.life.timing.Timing.shelf_s` long."""

    until: int
    reason: str


class Unshelve(_ActOfPerson):
    pass


@dataclass(frozen=True, slots=True)
class Reassign(_ActOfPerson):
    """The alarm has another owner from now on; nothing else changes, and its outcome is due when it was."""

    to: int


@dataclass(frozen=True, slots=True)
class TakeBack(_ActOfPerson):
    """The person takes their last act back: what people decided is what it was ``before`` that act."""

    before: Decided


@dataclass(frozen=True, slots=True)
class Tick:
    """The time is ``at``: something on this alarm may be due."""

    at: int


Act = Acknowledge | RecordOutcome | AddNote | Shelve | Unshelve | Reassign | TakeBack
LifeEvent = Condition | Act | Tick


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One row for ``alarm_event``; the first effect of every change.  ``actor`` is a person, 0 the system."""

    kind: HistoryKind
    at: int
    actor: int = 0
    content: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Closed:
    """The alarm is closed."""

    at: int


Effect = HistoryEntry | Closed
"""The effects of a change of one alarm."""


@dataclass(frozen=True, slots=True)
class Call:
    """Notify people of an episode: its call number ``step``, due at ``at``; ``lead``: key of the alarm that heads it, and
    ``priority``, that of what nobody has taken.
    """

    step: int
    reason: CallReason
    at: int
    lead: tuple[str, int, str, int]
    priority: Priority


@dataclass(frozen=True, slots=True)
class StopCalls:
    """Messages that are not sent yet must not be sent: somebody has acted, or the episode is over."""


CallEffect = Call | StopCalls
"""The effects of a change of an episode."""
