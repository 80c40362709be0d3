"""Runs beyond a limit, in measured time: when that of the newest sample began, and which others came and went.

A run is an unbroken row of samples beyond one limit without a hole longer than the series allows.  An episode is a run that
lasted its hold and was over before anybody could be told: it began and ended within a backlog.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alerts.rules.limits.bounds import MEDIUM, NO_LIMIT, SEVERE, SIGN, Bounds
from streams.engine.columns.arrays import Bools, Cells, Ints
from streams.engine.series.newest import NEVER


@dataclass(frozen=True, slots=True)
class Episode:
    """``column`` of the series, ``side``, first and last measured second of the run, its last ``value`` (fixed point) and
    the ``level`` whose limit it passed.
    """

    column: int
    side: int
    since: int
    last: int
    value: int
    level: int


def follow(
    bounds: Bounds, column: Ints, second: Ints, value: Cells, before: Ints, was: Cells, beyond_before: Bools | None
) -> list[Episode]:
    """Carry the runs of some series on over samples that come after all they know, and give the episodes that ended.

    column, second int64 and value int32 [n], sorted by both where a series occurs twice; ``before`` int64 and ``was`` int32
    [n]: second and value of the sample just before each, of the same series (-NEVER: there is none).  ``beyond_before`` bool
    [2, 2, n]: where given, it says whether that sample belongs to a run that goes on, instead of its value and age.
    """
    hole = second - before > bounds.hole[column]
    found: list[Episode] = []
    for side, sign in enumerate(SIGN):
        signed, former = value * sign, was * sign
        for level in (SEVERE, MEDIUM):
            limit = bounds.limit[side, level, column]
            beyond = signed > limit
            running = (former > limit) & (before > -NEVER) & ~hole
            if beyond_before is not None:
                running = np.where(before == NEVER, beyond_before[side, level], running)
            over = running & ~beyond
            starts = beyond & ~running
            if over.any():
                found += _ended(bounds, side, level, column, second, before, was, starts, over)
            bounds.since[side, level, column[starts]] = second[starts]  # the last of a series stands
    return found


def _ended(
    bounds: Bounds, side: int, level: int, column: Ints, second: Ints, before: Ints, was: Cells, starts: Bools, over: Bools
) -> list[Episode]:
    """The episodes among runs that a sample ended."""
    found = []
    other = bounds.limit[side, MEDIUM, column]
    wanted = over & ~bounds.active[side, :, column].any(-1) & ((other == NO_LIMIT) if level == SEVERE else True)
    for at in np.flatnonzero(wanted).tolist():
        which = int(column[at])
        since = int(bounds.since[side, level, which])
        begun = at - 1
        while begun >= 0 and column[begun] == which:  # the run began among these samples
            if starts[begun]:
                since = int(second[begun])
                break
            begun -= 1
        last = int(before[at])
        if last == NEVER or since <= bounds.reported_until[side, which] or last - since < bounds.hold[side, level, which]:
            continue
        found.append(Episode(which, side, since, last, int(was[at]), level))
    return found
