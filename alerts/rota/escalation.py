"""An escalation: which step of a policy is called, when the next one is, and what an answer changes.

A run belongs to an episode and lasts until somebody has acted.  The episode's calls (:mod:`alerts.life.calling`) call
the step that has its time; when that time is over without an act, the next step is called, and after the last one the
first again. A step that reaches nobody is skipped at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec
from msgspec.structs import replace

from alerts.rota.policy import Policy, Step
from streams.engine.condition import Priority

NOBODY_MS: Final = 60_000
"""Where no step reaches anybody the whole team is called, and so long after it the policy is tried again."""


@dataclass(frozen=True, slots=True)
class Reached:
    """Whom a step reaches now: ``people`` (sign-ins) and, if ``team``, the whole team.  ``holes``: targets of it that have
    nobody, or somebody whom no channel reaches.
    """

    people: tuple[str, ...] = ()
    team: bool = False
    holes: tuple[str, ...] = ()

    @property
    def somebody(self) -> bool:
        return self.team or bool(self.people)


Reach = Callable[[Step], Reached]


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """All times in ms since the epoch.  ``step``: the place of the step that was called last, since ``since``;
    ``round``: how often the policy began anew; ``due``: when the next step is called; ``None``: it sleeps until the
    episode calls again. ``people``: those called in this step, ``declined``: those of them who cannot, ``looking``:
    those who have seen it.
    """

    priority: Priority
    step: int
    round: int = 0
    since: int
    due: int | None
    people: tuple[str, ...] = ()
    declined: tuple[str, ...] = ()
    looking: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Move:
    """The next act: the ``run`` after it, whom to call, and the steps that reached nobody.  ``nobody``: no step did, so
    the whole team is called.
    """

    run: Run
    reached: Reached
    skipped: tuple[Reached, ...] = field(default=())

    @property
    def nobody(self) -> bool:
        return not self.reached.somebody


def called(run: Run | None, policy: Policy, priority: Priority, at: int, reach: Reach) -> Move:
    """The episode calls.  ``priority`` is that of what nobody has taken; the policy has steps for it."""
    if run is None or priority > run.priority:
        return _from(policy, priority, 0, 0, at, reach)
    steps = policy.of(run.priority)
    if run.step >= len(steps):  # the policy is another one since
        return _from(policy, run.priority, 0, run.round, at, reach)
    if at >= _over(run, steps):
        return _from(policy, run.priority, run.step + 1, run.round, at, reach)
    found = reach(steps[run.step])
    left = tuple(one for one in found.people if one not in run.declined)
    if not left and not found.team:
        after = _from(policy, run.priority, run.step + 1, run.round, at, reach)
        return Move(after.run, after.reached, (found, *after.skipped))
    people = tuple(dict.fromkeys((*run.people, *left)))
    return Move(replace(run, due=_over(run, steps), people=people), Reached(left, found.team, found.holes))


def passed(run: Run, policy: Policy, at: int, reach: Reach, *, once: bool = False) -> Move | None:
    """The time of a step is over and nobody has acted; ``None``: it was the last one, and the policy goes through but
    ``once``.
    """
    steps = policy.of(run.priority)
    if not steps or (once and (run.step + 1 >= len(steps) or run.round > 0)):
        return None
    return _from(policy, run.priority, run.step + 1, run.round, at, reach)


def declined(run: Run, person: str, at: int) -> Run:
    """The person cannot: once all people of the step have said so, the next step is called at once."""
    if person not in run.people:
        return run
    those = tuple(dict.fromkeys((*run.declined, person)))
    return replace(run, declined=those, due=at if set(run.people) <= set(those) else run.due)


def seen(run: Run, policy: Policy, person: str, at: int) -> Run:
    """The person looks at it: the next step waits longer, once for each person of a step."""
    if person not in run.people or person in run.looking or run.due is None:
        return run
    return replace(run, due=max(run.due, at + policy.seen_min * 60_000), looking=(*run.looking, person))


def _over(run: Run, steps: Sequence[Step]) -> int:
    """When the time of a run's step is over, also of one that sleeps."""
    return run.due if run.due is not None else run.since + steps[run.step].wait_ms


def _from(policy: Policy, priority: Priority, first: int, before: int, at: int, reach: Reach) -> Move:
    """Call the first step from ``first`` on that reaches somebody; after the last one the first is next, in another
    round.
    """
    steps = policy.of(priority)
    skipped: list[Reached] = []
    for place in range(first, first + len(steps)):
        number, turn = place % len(steps), before + place // len(steps)
        found = reach(steps[number])
        if found.somebody:
            due = at + steps[number].wait_ms
            run = Run(priority=priority, step=number, round=turn, since=at, due=due, people=found.people)
            return Move(run, found, tuple(skipped))
        skipped.append(found)
    nobody = Run(
        priority=priority, step=first % len(steps), round=before + first // len(steps), since=at, due=at + NOBODY_MS
    )
    return Move(nobody, Reached(), tuple(skipped))
