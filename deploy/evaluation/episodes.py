"""Continuous recordings: onsets of rules against those of plain limits, and the episodes that rules miss; pure.

A plain limit has an onset at each value beyond it that follows one inside.  An episode is a time of at least a minute in
which every value is beyond a high limit, as the chart rounds.  It is missed if its condition stands at no second of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from deploy.evaluation.run import START_S, Found
from deploy.evaluation.stay import Stay
from devices.vitals import VITALS, Vital
from devices.wire.control import RuleSet
from streams.engine.condition import Condition

LEAST_S: Final = 60
LIMITATIONS: Final = (
    "Eight minutes of some people in intensive care: figures an hour are extrapolated, and no outcome is known.",
    "The plain limits are those of the same set without hold, hysteresis and rounding in time.",
)


@dataclass(frozen=True, slots=True)
class Onsets:
    """``plain`` and ``rules``: onsets an hour; ``missed`` of ``episodes``, each as (stay, rule, first second, length)."""

    hours: float
    plain: float
    rules: float
    episodes: int
    missed: list[tuple[str, str, int, int]]


def onsets_of(candidate: str, rules: RuleSet, stays: Sequence[Stay], found: Found) -> Onsets:
    """The onsets and episodes of one candidate's high limits."""
    plain = raised = episodes = 0
    missed = []
    for place, stay in enumerate(stays):
        conditions = [one for one in found[candidate, place] if one.rule != "news2"]
        raised += sum(one.phase == "onset" for one in conditions)
        for limit in rules.limits:
            if limit.high is None:
                continue
            spec, name = VITALS[Vital(limit.vital)], f"{VITALS[Vital(limit.vital)].column}.{limit.side}"
            mine = stay.measured[stay.measured["vital"] == limit.vital]
            shown = np.round(mine["value"].astype(np.float64), spec.decimals) if limit.chart else mine["value"]
            beyond = shown > limit.high.limit if limit.side == "high" else shown < limit.high.limit
            before = np.append(False, beyond[:-1])
            plain += int((beyond & ~before).sum())
            changes = np.flatnonzero(np.diff(np.concatenate(([0], beyond.astype(np.int8), [0]))))
            for first, last in changes.reshape(-1, 2).tolist():
                begin, length = int(mine["second"][first]), int(mine["second"][last - 1] - mine["second"][first])
                if length >= LEAST_S:
                    episodes += 1
                    if not _stands(conditions, name, begin, begin + length):
                        missed.append((stay.name, name, begin, length))
    hours = sum(stay.end_s for stay in stays) / 3600
    return Onsets(hours, plain / hours, raised / hours, episodes, missed)


def _stands(conditions: Sequence[Condition], name: str, begin: int, end: int) -> bool:
    standing = False
    for one in conditions:
        if one.rule != name:
            continue
        at = one.second - START_S
        if at > end + 1:
            break
        if one.phase == "end":
            if standing and at > begin:
                return True
            standing = False
        else:
            standing = True
    return standing


def record_of(candidate: str, found: Onsets) -> dict[str, object]:
    """A line for the terminal, or as JSON."""
    missed = ", ".join(f"{stay} {rule} at {first} s for {length} s" for stay, rule, first, length in found.missed)
    return {
        "rules": candidate,
        "hours": round(found.hours, 2),
        "plain_onsets_an_hour": round(found.plain, 2),
        "onsets_an_hour": round(found.rules, 2),
        "fewer": f"{1 - found.rules / found.plain:.1%}" if found.plain else "",
        "episodes_of_a_minute": found.episodes,
        "missed": missed or "none",
    }
