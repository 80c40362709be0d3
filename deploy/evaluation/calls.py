"""Calls: how often the conditions of a patient would ring, when a nurse acknowledges after a while; pure.

All conditions of a patient are one piece of work.  The first one calls.  After the nurse has taken it, what joins or becomes
worse calls only if it is worse than what was taken: a higher priority, or a score up by two.  Before, it is in that call.
When everything has ended the next one calls anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from streams.engine.condition import Condition, Priority

_UP: Final = 2
_SCORE: Final = "news2"


@dataclass(frozen=True, slots=True)
class Call:
    """At ``second`` of the clock, of ``rule``."""

    second: int
    rule: str
    priority: Priority


def calls_of(conditions: Iterable[Condition], acknowledged_s: int) -> list[Call]:
    """The calls of one patient; a condition of low priority never calls."""
    standing: dict[str, Priority] = {}
    scores: dict[str, float] = {}
    taken: tuple[int, float] = (0, 0.0)  # the priority and score of what was called
    called_at: int | None = None
    out: list[Call] = []
    for one in conditions:
        if one.phase == "end":
            standing.pop(one.rule, None)
            scores.pop(one.rule, None)
            if not standing:
                called_at, taken = None, (0, 0.0)
            continue
        standing[one.rule] = one.priority
        if one.rule == _SCORE:
            scores[one.rule] = one.value or 0.0
        if one.priority == Priority.LOW:
            continue
        score = scores.get(_SCORE, 0.0)
        worse = int(one.priority) > taken[0] or (taken[1] > 0 and score >= taken[1] + _UP)
        if called_at is None or (worse and one.second - called_at >= acknowledged_s):
            out.append(Call(one.second, one.rule, one.priority))
            called_at = one.second
        if called_at is not None:
            taken = max(taken[0], int(one.priority)), max(taken[1], score)
    return out


def standing_within(conditions: Iterable[Condition], first: int, last: int) -> bool:
    """True if any condition above low stands at some second from ``first`` to before ``last``."""
    since: dict[str, int] = {}
    for one in conditions:
        if one.second >= last:
            break
        if one.phase == "end":
            if since.pop(one.rule, None) is not None and one.second > first:
                return True
        elif one.priority > Priority.LOW:
            since.setdefault(one.rule, one.second)
    return bool(since)
