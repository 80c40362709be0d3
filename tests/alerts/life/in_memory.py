"""One patient's episodes in memory: what the fold does in the database, without one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from msgspec.structs import replace

from alerts.life.alarm import Alarm
from alerts.life.case import Case
from alerts.life.episode import Episode, Level
from alerts.life.events import Act, Call
from streams.engine.condition import Condition


@dataclass
class Patient:
    """``calls``: every call made; ``closed`` and ``over``: alarms and episodes that are closed; ``stops``: stopped calls."""

    episode: Episode | None = None
    alarms: list[Alarm] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    closed: list[Alarm] = field(default_factory=list)
    over: list[Episode] = field(default_factory=list)
    stops: int = 0
    now: int = 0
    _number: int = 0

    @property
    def taken(self) -> Level | None:
        return self.episode.taken if self.episode else None

    def conditions(self, *conditions: Condition) -> None:
        case = Case(self.episode, self.alarms)
        case.take_conditions(conditions)
        self._keep(case)

    def act(self, act: Act, only: Iterable[int] | None = None) -> None:
        """What a person does to these alarms, or to all that are open."""
        case = Case(self.episode, self.alarms)
        numbers = [one.alarm for one in self.alarms] if only is None else list(only)
        case.take_acts(dict.fromkeys(numbers, act), act.at)
        self._keep(case)

    def tick(self, at: int) -> None:
        case = Case(self.episode, self.alarms)
        case.take_tick(at)
        self._keep(case)

    def run_until(self, at: int) -> None:
        """Let time pass as the notifier does, but without its delay."""
        while (due := self.due()) is not None and due <= at:
            self.now = max(due, self.now)
            self.tick(self.now)
        self.now = max(at, self.now)

    def due(self) -> int | None:
        times = [one.due for one in (*self.alarms, self.episode) if one is not None and one.due is not None]
        return min(times, default=None)

    def _keep(self, case: Case) -> None:
        self.calls += case.calls
        self.stops += case.stop
        found = [one.alarm for one in (*case.past, *case.alarms.values())]
        for place, one in enumerate(found):
            if one.alarm == 0:
                self._number += 1
                found[place] = replace(one, alarm=self._number)
        self.closed += [one for one in found if one.life == "closed"]
        self.alarms = [one for one in found if one.life != "closed"]
        self.episode = case.episode
        if self.episode is not None and self.episode.closed is not None:
            self.over.append(self.episode)
            self.episode = None
