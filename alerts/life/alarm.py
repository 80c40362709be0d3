"""An alarm: one condition of one subject from its onset until nothing is left to do about it.

The row keeps two things apart: the *condition*, which only the engine decides, and the *life*, the acts of people.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from streams.engine.condition import Category, Priority

Life = Literal["unacknowledged", "acknowledged", "shelved", "closed"]
Outcome = Literal["called", "visit", "limits_adjusted", "false_alarm"]
State = Literal["active", "latched", "cleared", "acknowledged", "recovered", "shelved", "closed"]
_SCORES: Final = frozenset({"news2"})


class Decided(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The decisions of people about an alarm: the part of its row that an act changes.  Fields as in :class:`Alarm`."""

    life: Life = "unacknowledged"
    owner: int | None = None
    acknowledged: int | None = None
    worst: Priority
    worst_score: float | None = None
    shelved_until: int | None = None
    shelf_reason: str | None = None
    outcome: Outcome | None = None
    outcome_reason: str | None = None
    outcome_at: int | None = None
    note: str | None = None


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table ``alarm``; all times in ms since the epoch, UTC.

    ``alarm`` is 0 until stored, ``episode`` is the piece of work that it belongs to.  (subject_kind, subject, rule, source)
    is unique while open.  ``worst`` is the highest priority, and ``worst_score`` the highest score, since somebody last
    acted: what has been taken, if it is acknowledged.  ``due`` is when time acts on the alarm next; when it calls people
    is the episode's business (:mod:`alerts.life.calling`).  ``version`` grows by one with every change.
    """

    alarm: int = 0
    episode: int | None = None
    subject_kind: Literal["patient", "partition"]
    subject: int
    rule: str
    source: int
    category: Category

    active: bool
    priority: Priority
    worst: Priority
    worst_score: float | None = None
    vital: int | None = None
    value: float | None = None
    limit_value: float | None = None
    onset: int
    measured: int | None = None
    ended: int | None = None
    onsets: int = 1
    detail: dict[str, object] = {}

    life: Life = "unacknowledged"
    owner: int | None = None
    acknowledged: int | None = None
    shelved_until: int | None = None
    shelf_reason: str | None = None
    outcome: Outcome | None = None
    outcome_reason: str | None = None
    outcome_at: int | None = None
    note: str | None = None
    due: int | None = None
    closed: int | None = None
    version: int = 1

    @property
    def decided(self) -> Decided:
        """The decisions of people about it so far."""
        return Decided(**{name: getattr(self, name) for name in Decided.__struct_fields__})

    @property
    def latched(self) -> bool:
        """True if the condition is over but it was high and nobody has acted: the alarm stays until somebody has."""
        return not self.active and self.life == "unacknowledged" and self.worst is Priority.HIGH

    @property
    def state(self) -> State:
        """Condition and life in one word: the states of :data:`alerts.life.table.LIFE`."""
        if self.life == "acknowledged" and not self.active:
            return "recovered"
        if self.life != "unacknowledged":
            return self.life
        return "active" if self.active else "latched" if self.latched else "cleared"

    @property
    def done(self) -> bool:
        """True if nothing is left to do unless it soon begins again: its condition is over and its outcome is recorded."""
        return self.state == "recovered" and self.outcome is not None

    @property
    def score(self) -> float | None:
        """The total of an alarm that stands on a score such as NEWS2."""
        return score_of(self.rule, self.value)


def score_of(rule: str, value: float | None) -> float | None:
    """The value of a rule whose value is a score; ``None`` for every other rule."""
    return value if rule in _SCORES else None


def found_late(detail: dict[str, object]) -> bool:
    """True if a condition began and ended within late data (the engine marks it in its detail)."""
    return detail.get("late") is True
