"""The life of alarms and episodes of recorded patients, with a nurse who always answers in the same time; pure.

The life is that of the product (:mod:`alerts.life.case`): what calls, repeats, latches and closes here does so live.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final

from msgspec.structs import replace

from alerts.life.alarm import Alarm
from alerts.life.case import Case
from alerts.life.episode import Episode
from alerts.life.events import Acknowledge, Act, CallReason, RecordOutcome
from streams.engine.condition import Condition, Priority

NURSE: Final = 1
ANSWER_S: Final = 300
OUTCOME_S: Final = 600
"""From a call to the acknowledgement, and from there to the outcome."""
_NEVER: Final = 1 << 62


@dataclass(frozen=True, slots=True)
class Rung:
    """A call at ``second`` of the clock: of which ``rule`` and priority, and the reason: onset, worse or repeat."""

    second: int
    rule: str
    priority: Priority
    reason: CallReason


@dataclass(frozen=True, slots=True)
class Stood:
    """A condition that was true from ``begin`` to ``end`` (seconds of the clock); ``priority``: the highest."""

    rule: str
    priority: Priority
    begin: int
    end: int


@dataclass
class _Ward:
    """One patient's alarms and episode, and what the nurse is about to do."""

    answer_ms: int
    outcome_ms: int
    episode: Episode | None = None
    alarms: list[Alarm] = field(default_factory=list)
    rung: list[Rung] = field(default_factory=list)
    answers_at: int = _NEVER
    outcome_at: int = _NEVER
    number: int = 0

    def conditions(self, found: Iterable[Condition]) -> None:
        case = Case(self.episode, self.alarms)
        case.take_conditions(found)
        self._keep(case)

    def until(self, at: int) -> None:
        """Let time pass up to ``at`` (ms)."""
        while (due := min(self._due(), self.answers_at, self.outcome_at)) <= at:
            if due == self.answers_at:
                self.answers_at, self.outcome_at = _NEVER, due + self.outcome_ms
                self._act(Acknowledge(NURSE, due), "unacknowledged")
            elif due == self.outcome_at:
                self.outcome_at = _NEVER
                self._act(RecordOutcome(NURSE, due, "called"), "acknowledged")
            else:
                case = Case(self.episode, self.alarms)
                case.take_tick(due)
                self._keep(case)

    def _act(self, act: Act, life: str) -> None:
        mine = [one.alarm for one in self.alarms if one.life == life]
        if mine:
            case = Case(self.episode, self.alarms)
            case.take_acts(dict.fromkeys(mine, act), act.at)
            self._keep(case)

    def _due(self) -> int:
        times = [one.due for one in (*self.alarms, self.episode) if one is not None and one.due is not None]
        return min(times, default=_NEVER)

    def _keep(self, case: Case) -> None:
        found = [one.alarm for one in (*case.past, *case.alarms.values())]
        for place, one in enumerate(found):
            if one.alarm == 0:
                self.number += 1
                found[place] = replace(one, alarm=self.number)
        for call in case.calls:
            self.rung.append(Rung(call.at // 1000, call.lead[2], call.priority, call.reason))
            self.answers_at = min(self.answers_at, call.at + self.answer_ms)
        self.alarms = [one for one in found if one.life != "closed"]
        self.episode = case.episode if case.episode is None or case.episode.closed is None else None


def rung_of(conditions: Sequence[Condition], end: int, answer_s: int = ANSWER_S, outcome_s: int = OUTCOME_S) -> list[Rung]:
    """The calls of one patient up to second ``end``."""
    ward = _Ward(answer_s * 1000, outcome_s * 1000)
    for second, found in groupby(conditions, key=lambda one: one.second):
        ward.until(second * 1000 - 1)
        ward.conditions(list(found))
    ward.until(end * 1000 - 1)
    return [one for one in ward.rung if one.second < end]


def stood_of(conditions: Sequence[Condition], end: int) -> list[Stood]:
    """The time for which each condition of one patient was true, in order of their begin."""
    since: dict[tuple[str, int], tuple[int, Priority]] = {}
    out = []
    for one in conditions:
        key = one.rule, one.source
        if one.phase == "end":
            if (begun := since.pop(key, None)) is not None:
                out.append(Stood(one.rule, begun[1], begun[0], one.second))
        else:
            begin, worst = since.get(key, (one.second, one.priority))
            since[key] = begin, max(worst, one.priority)
    out += [Stood(rule, worst, begin, end) for (rule, _), (begin, worst) in since.items()]
    return sorted(out, key=lambda one: (one.begin, one.rule))
