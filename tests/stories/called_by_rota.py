"""One patient whose episode calls the steps of a policy: the escalation in memory, as the notifier does it in the
database.
"""

from __future__ import annotations

from collections.abc import Sequence

from alerts.life.case import Case
from alerts.rota.episode_calls import after_step, lead_of
from alerts.rota.escalation import Move, Reached, Run, called, declined, passed, seen
from alerts.rota.policy import TEAM, Policy, Step
from streams.engine.condition import Priority
from tests.alerts.life.in_memory import Patient


class CalledByRota(Patient):
    """``steps``: such as "Ann 2", who is called and how many minutes they have; ``away``: people whom nothing reaches."""

    def __init__(self, steps: Sequence[str]) -> None:
        super().__init__()
        found = [Step((name,), int(minutes)) for name, minutes in (step.split() for step in steps)]
        self.policy = Policy({Priority.HIGH: tuple(found)})
        self.away: set[str] = set()
        self.run: Run | None = None
        self._called: list[str] = []
        self._holes: list[str] = []

    def take_called(self) -> list[str]:
        """Who was called since this was last asked."""
        found, self._called = self._called, []
        return found

    def take_holes(self) -> list[str]:
        """The steps that were skipped since this was last asked."""
        found, self._holes = self._holes, []
        return found

    def answer(self, who: str, at: int, *, cannot: bool) -> None:
        """What a person answers to the message that called them."""
        assert self.run is not None, f"nobody is called, so {who} has nothing to answer"
        self.run = declined(self.run, who, at) if cannot else seen(self.run, self.policy, who, at)

    def due(self) -> int | None:
        times = [one for one in (super().due(), self.run.due if self.run else None) if one is not None]
        return min(times, default=None)

    def tick(self, at: int) -> None:
        super().tick(at)
        run = self.run
        if run is None or run.due is None or run.due > at or self.episode is None:
            return
        found = lead_of(self.episode, self.alarms)
        move = passed(run, self.policy, at, self._reach, once=found[1]) if found else None
        if move is None:
            self.run = Run(priority=run.priority, step=run.step, round=run.round, since=run.since, due=None)
            return
        self._keep_move(move)
        self.episode = after_step(self.episode, self.alarms, at)

    def _keep(self, case: Case) -> None:
        super()._keep(case)
        if case.stop:
            self.run = None
        for call in case.calls:
            if self.policy.of(max(call.priority, self.run.priority if self.run else call.priority)):
                self._keep_move(called(self.run, self.policy, call.priority, call.at, self._reach))
            else:
                self._called.append(TEAM)

    def _keep_move(self, move: Move) -> None:
        self.run = move.run
        self._called += [*move.reached.people, *([TEAM] if move.reached.team or move.nobody else [])]
        self._holes += [hole for one in move.skipped for hole in one.holes]

    def _reach(self, step: Step) -> Reached:
        (name,) = step.call
        if name == TEAM:
            return Reached(team=True)
        return Reached(holes=(name,)) if name in self.away else Reached((name,))
