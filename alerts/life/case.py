"""One subject's episode with its open alarms, and what events make of them: pure, for the database and without one.

:mod:`alerts.fold.fold` fills it with locked rows and writes what changed; stories and tests keep it in memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import groupby

from alerts.life.alarm import Alarm, Decided
from alerts.life.calling import after_change
from alerts.life.episode import Episode
from alerts.life.events import Act, Call, Effect, HistoryEntry, StopCalls, Tick
from alerts.life.transition import transition
from streams.engine.condition import Condition

Key = tuple[str, int, str, int]
"""(subject_kind, subject, rule, source): one alarm while open."""


def key_of(alarm: Alarm) -> Key:
    return alarm.subject_kind, alarm.subject, alarm.rule, alarm.source


def key_of_condition(c: Condition) -> Key:
    return c.of, int(c.subject), c.rule, int(c.source)


@dataclass(slots=True)
class Changed:
    """One alarm after the events so far, and the entries still to be written about it; ``stored``: it has a row.
    ``before``: what people had decided before an act of a person.
    """

    alarm: Alarm
    stored: bool
    history: list[tuple[int, HistoryEntry]] = field(default_factory=list)
    before: Decided | None = None

    def take(self, alarm: Alarm, effects: Iterable[Effect]) -> None:
        self.alarm = alarm
        self.history += [(alarm.version, effect) for effect in effects if isinstance(effect, HistoryEntry)]


class Case:
    """``episode`` and ``alarms`` (by key) as they are after the events, ``past``: alarms that closed before another one of
    their key began; ``calls`` to make, after ``stop``: those of before that are not sent yet are stopped.  ``stored``: the
    episode as it was read.
    """

    def __init__(self, episode: Episode | None = None, alarms: Iterable[Alarm] = ()) -> None:
        self.stored = self.episode = episode
        self.alarms = {key_of(one): Changed(one, stored=True) for one in alarms}
        self.past: list[Changed] = []
        self.calls: list[Call] = []
        self.stop = False

    @property
    def open(self) -> list[Alarm]:
        """The alarms that are open now."""
        return [one.alarm for one in self.alarms.values() if one.alarm.life != "closed"]

    @property
    def changes(self) -> list[Changed]:
        """The alarms about which there is something to write."""
        return [*self.past, *(one for one in self.alarms.values() if one.history)]

    def take_conditions(self, conditions: Iterable[Condition]) -> None:
        """The engine's conditions of this subject, in its order; calls are decided once for each second."""
        for second, of_second in groupby(sorted(conditions, key=lambda c: c.second), key=lambda c: c.second):
            changed = False
            for c in of_second:
                key = key_of_condition(c)
                if c.phase != "end":
                    self._close_past(key, second * 1000)
                current = self.alarms.get(key)
                if current is not None:
                    before = len(current.history)
                    current.take(*transition(current.alarm, c))
                    changed |= len(current.history) > before
                    continue
                opened, effects = transition(None, c)
                if opened is not None:
                    self.alarms[key] = new = Changed(opened, stored=False)
                    new.take(opened, effects)
                    changed = True
            if changed:
                self._call(second * 1000)

    def _close_past(self, key: Key, at: int) -> None:
        """Close an alarm that was due to leave the list before ``at``: what begins then is another one, tick or no tick."""
        current = self.alarms.get(key)
        if current is None or current.alarm.active or current.alarm.due is None or at < current.alarm.due:
            return
        current.take(*transition(current.alarm, Tick(at)))
        if current.alarm.life == "closed":
            self.past.append(self.alarms.pop(key))

    def take_acts(self, acts: Mapping[int, Act], at: int) -> None:
        """One act of a person on each of these alarms, by number, together.

        Raises:
            RefusedError: an alarm does not allow its act now; the case is of no use then.
        """
        for one in self.alarms.values():
            if (act := acts.get(one.alarm.alarm)) is not None:
                one.before = one.alarm.decided
                one.take(*transition(one.alarm, act))
        if self.changes:
            self._call(at, acted=True)

    def take_tick(self, at: int) -> None:
        """The time is ``at``: what is due for the alarms, and for the episode."""
        for one in self.alarms.values():
            one.take(*transition(one.alarm, Tick(at)))
        self._call(at)

    def _call(self, at: int, *, acted: bool = False) -> None:
        self.episode, effects = after_change(self.episode, self.open, at, acted=acted)
        for effect in effects:
            if isinstance(effect, StopCalls):
                self.stop = True
                self.calls.clear()
            else:
                self.calls.append(effect)
