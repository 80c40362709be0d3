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

from alerts.rules.limits.bounds import HOLE, MEDIUM, NO_LIMIT, SIGN, Bounds
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
    side, level, at = np.nonzero(starts)
    if at.size:
        where = side, level, column[at]
        bounds.since[where] = second[at]
        bounds.at_once[where] = bounds.by_hand[column[at]] & (gap[at] > HOLE)
    side, level, at = np.nonzero(beyond)
    if at.size:
        where = side, level, column[at]
        bounds.last[where], bounds.last_value[where] = second[at], value[at]
    return found


def _came_back(bounds: Bounds, column: Ints, back: Bools) -> list[Episode]:
    """The episodes among runs whose next sample is inside."""
    side, level, at = np.nonzero(back)
    which = column[at]
    where = side, level, which
    since, last = bounds.since[where], bounds.last[where]
    reported = (bounds.at_once[where] | (last - since >= bounds.hold[where])) & (since > bounds.reported_until[side, which])
    reported &= (level == MEDIUM) | (bounds.limit[side, MEDIUM, which] == NO_LIMIT)
    reported &= ~bounds.active[side, :, which].any(-1)
    rows = np.stack([which, side, since, last, bounds.last_value[where], level], 1)[reported]
    return [Episode(*row) for row in rows.tolist()]
