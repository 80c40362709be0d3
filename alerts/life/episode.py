"""An episode: all open alarms of one patient as one piece of work.

Alarms keep their own life (:mod:`alerts.life.transition`).  The episode holds what is common to them: how grave they are
together, and when people are called about them (:mod:`alerts.life.calling`).  A partition's alarms are an episode likewise.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

import msgspec

from alerts.life.alarm import Alarm
from alerts.life.transition import SCORE_RISE
from devices.vitals import VITALS, Vital
from streams.engine.condition import Priority

_ONE_PARAMETER: Final = {Vital.HEART_RATE: "pulse", Vital.PULSE_RATE: "pulse"}
"""Whoever measures it."""


class Level(msgspec.Struct, frozen=True):
    """The gravity of some alarms together: the highest priority, the parameters at high (sorted), and the score."""

    priority: Priority
    high: tuple[str, ...] = ()
    score: float | None = None

    def worse_than(self, other: Level) -> bool:
        """A higher priority, a parameter at high that is not at high there, or a score two points above."""
        risen = self.score is not None and other.score is not None and self.score >= other.score + SCORE_RISE
        return self.priority > other.priority or not set(self.high) <= set(other.high) or risen

    def joined(self, other: Level | None) -> Level:
        """The least level that is worse than neither."""
        if other is None:
            return self
        scores = [score for score in (self.score, other.score) if score is not None]
        high = tuple(sorted({*self.high, *other.high}))
        return Level(max(self.priority, other.priority), high, max(scores, default=None))


class Episode(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table ``episode``; all times in ms since the epoch, UTC.

    ``episode`` is 0 until stored; (subject_kind, subject) is unique while open.  ``step`` is the number of the next call,
    ``called`` the level of the last call, joined with those shortly before it, and ``called_at`` its time.  ``taken``: what
    somebody took, while they have it.  ``due``: when to call next, if nothing changes.  ``version`` grows by one with every
    change.
    """

    episode: int = 0
    subject_kind: Literal["patient", "partition"]
    subject: int
    opened: int
    step: int = 0
    called: Level | None = None
    called_at: int | None = None
    taken: Level | None = None
    due: int | None = None
    closed: int | None = None
    version: int = 0


def parameter_of(alarm: Alarm) -> str:
    """The parameter that an alarm is about, whoever measures it; the rule, if it is about no vital."""
    if alarm.vital is None or alarm.vital not in VITALS:
        return alarm.rule
    vital = Vital(alarm.vital)
    return _ONE_PARAMETER.get(vital, vital.name.lower())


def level_of(alarms: Iterable[Alarm], *, worst: bool = False) -> Level | None:
    """The level of some alarms together as they stand, or at their worst since somebody acted; ``None`` without any."""
    level: Level | None = None
    for alarm in alarms:
        priority = alarm.worst if worst else alarm.priority
        high = (parameter_of(alarm),) if priority is Priority.HIGH else ()
        level = Level(priority, high, alarm.worst_score if worst else alarm.score).joined(level)
    return level


def taken_level(alarms: Iterable[Alarm]) -> Level | None:
    """The alarms that somebody has in hand: acknowledged and without outcome, at the level at which it was taken."""
    return level_of((one for one in alarms if one.life == "acknowledged" and one.outcome is None), worst=True)


def in_hand(alarms: Iterable[Alarm]) -> bool:
    """True if somebody has taken alarms of an episode, and what nobody has taken is not worse: then nobody is called."""
    alarms = list(alarms)
    taken, left = taken_level(alarms), level_of((one for one in alarms if one.life == "unacknowledged"), worst=True)
    return taken is not None and (left is None or not left.worse_than(taken))


def waiting(alarms: Iterable[Alarm]) -> list[Alarm]:
    """The alarms that would call somebody: true, not taken by anybody, and not low."""
    return [one for one in alarms if one.life == "unacknowledged" and one.active and one.priority > Priority.LOW]
