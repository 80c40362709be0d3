"""What happens to an alarm (conditions, people, time), and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from alerts.life.alarm import Outcome
from streams.engine.condition import Condition

Happening = Literal[
    "onset", "worse", "better", "end", "late",
    "acknowledge", "outcome", "note", "shelve", "unshelve",
    "repeat", "returned", "shelf_ended", "closed",
]  # fmt: skip
"""The kinds of the table ``alarm_event``.  "late": an earlier episode was found in late data while the alarm was open."""
Why = Literal["onset", "worse", "repeat", "returned", "shelf_ended", "unshelved"]


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """Person ``by`` takes it on; silent while the condition persists.  ``at`` in ms, as everywhere here."""

    by: int
    at: int


@dataclass(frozen=True, slots=True)
class RecordOutcome:
    """What came of it.  A false alarm needs a ``reason``.  On an unacknowledged alarm it acknowledges too."""

    by: int
    at: int
    outcome: Outcome
    reason: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class AddNote:
    by: int
    at: int
    note: str


@dataclass(frozen=True, slots=True)
class Shelve:
    """Silent until ``until``, or until it gets worse; at most :class:`alerts.life.timing.Timing.shelf_s` long."""

    by: int
    at: int
    until: int
    reason: str


@dataclass(frozen=True, slots=True)
class Unshelve:
    by: int
    at: int


@dataclass(frozen=True, slots=True)
class Tick:
    """It is ``at``: does anything on this alarm fall due?"""

    at: int


Act = Acknowledge | RecordOutcome | AddNote | Shelve | Unshelve
LifeEvent = Condition | Act | Tick


@dataclass(frozen=True, slots=True)
class Happened:
    """One row for ``alarm_event``; the first effect of every change.  ``actor`` is a person, 0 the system."""

    kind: Happening
    at: int
    actor: int = 0
    content: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Notify:
    """Tell people, as step ``step`` of this alarm; due at ``at``."""

    step: int
    why: Why
    at: int


@dataclass(frozen=True, slots=True)
class StopNotifications:
    """Nothing that still waits to be sent about this alarm may be sent."""


@dataclass(frozen=True, slots=True)
class Closed:
    at: int


Effect = Happened | Notify | StopNotifications | Closed
