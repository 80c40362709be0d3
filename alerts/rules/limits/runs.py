"""Runs beyond a limit, in measured time: when that of the newest sample began, and which others came and went.

A run begins with a sample beyond one limit and goes on for as long as at least ``RuleSet.hold_percent`` of its samples are
beyond it, however they lie, without a hole longer than the series allows.  It is counted with credit: a sample beyond gives
100 - percent, one inside takes percent, and where nothing is left the run is over; no more is saved than a hold's time can
give, so that a long past does not excuse the present.  An episode is a run that lasted its hold and came back inside before
anybody could be told: it began and ended within a backlog.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alerts.rules.limits.bounds import HOLE, MEDIUM, NO_LIMIT, SEVERE, SIGN, Bounds
from streams.engine.columns.arrays import Bools, Cells, Ints

_SIGNS = np.array(SIGN, np.int32)[:, None]


@dataclass(frozen=True, slots=True)
class Episode:
    """``column`` of the series, ``side``, first and last measured second beyond the limit, the last ``value`` beyond it
    (fixed point) and the ``level`` whose limit it passed.
    """

    column: int
    side: int
    since: int
    last: int
    value: int
    level: int


def beyond_limits(bounds: Bounds, column: Ints, value: Cells) -> Bools:
    """Which of values int32 [n] are beyond the limits of their series, bool [2, 2, n]."""
    signed = value * _SIGNS
    found: Bools = signed[:, None] > bounds.limit[:, :, column]
    return found


def follow(bounds: Bounds, column: Ints, second: Ints, value: Cells, before: Ints) -> list[Episode]:
    """Carry the runs of some series on over samples that come after all they know, and give the episodes that came back.

    column, second int64 and value int32 [n], sorted by both where a series occurs twice; ``before`` int64 [n]: second of the
    sample just before each, of the same series (-NEVER: there is none; NEVER: the run is known to reach it).
    """
    same = column[1:] == column[:-1]
    if not same.any():
        return _step(bounds, column, second, value, before)
    place = np.arange(len(column))
    first = np.maximum.accumulate(np.where(np.append(True, ~same), place, 0))
    rank = place - first
    order = np.argsort(rank, kind="stable")
    found: list[Episode] = []
    for at in np.split(order, np.flatnonzero(np.diff(rank[order])) + 1):
        found += _step(bounds, column[at], second[at], value[at], before[at])
    return found


def _step(bounds: Bounds, column: Ints, second: Ints, value: Cells, before: Ints) -> list[Episode]:
    """Carry runs on over one sample each."""
    gap = second - before
    percent = bounds.percent[column]
    had = bounds.credit[:, :, column]
    credit = np.where(gap > bounds.hole[column], 0, had)
    beyond = beyond_limits(bounds, column, value)
    starts = beyond & (credit == 0)
    more = np.minimum(np.maximum(credit, 1) + (100 - percent), bounds.most(column))
    credit = np.where(beyond, more, np.maximum(credit - percent, 0))
    back = (had > 0) & ~beyond & (bounds.last[:, :, column] == before)
    found = _came_back(bounds, column, back) if back.any() else []
    bounds.credit[:, :, column] = credit
    bounds.since[:, :, column] = np.where(starts, second, bounds.since[:, :, column])
    alone = bounds.by_hand[column] & (gap > HOLE)
    bounds.at_once[:, :, column] = np.where(starts, alone, bounds.at_once[:, :, column])
    bounds.last[:, :, column] = np.where(beyond, second, bounds.last[:, :, column])
    bounds.last_value[:, :, column] = np.where(beyond, value, bounds.last_value[:, :, column])
    return found


def _came_back(bounds: Bounds, column: Ints, back: Bools) -> list[Episode]:
    """The episodes among runs whose next sample is inside."""
    found = []
    for side, level, at in np.argwhere(back).tolist():
        which = int(column[at])
        if bounds.active[side, :, which].any() or (level == SEVERE and bounds.limit[side, MEDIUM, which] != NO_LIMIT):
            continue
        since, last = int(bounds.since[side, level, which]), int(bounds.last[side, level, which])
        held = bounds.at_once[side, level, which] or last - since >= bounds.hold[side, level, which]
        if held and since > bounds.reported_until[side, which]:
            found.append(Episode(which, side, since, last, int(bounds.last_value[side, level, which]), level))
    return found
