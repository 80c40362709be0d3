"""Drift: minute means against the patient's own baseline, by a two-sided cumulative sum.

The baseline is an exponentially weighted moving average (EWMA) of the minute means, and of their squared distances from it;
of the first minutes it is about their plain average.  Each minute adds its distance from the baseline, less a slack, to one
sum and its opposite to the other; neither falls below 0 (Page 1954, in the tabular form).  A sum beyond limit times the
standard deviation is a drift, until it is beyond half of that no more; it grows to twice that at most, so that it can come
down.  All in integers with fixed shifts: no rounding depends on anything but the minutes.

CUSUM found 89-95 % of the trends in theatre (Yang 2010, *confirm*).  No figure for patients at home was found: slack, limit
and baseline are engineering choices, off until they have been measured.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from alerts.rules.scheduled import Scheduled
from alerts.rules.trends.trend_table import FRACTION, TrendTable
from streams.engine.columns.arrays import Bools, Bytes, Cells, Ints
from streams.engine.columns.axis import array

WARM: Final = 60
"""Minutes of a baseline before anything is concluded from it."""
HOLE: Final = 15
"""Minutes without a value after which the sums begin anew: as long as a continuous value is valid."""
_LEVEL: Final = 16
LEVEL_BITS: Final = FRACTION + _LEVEL
"""Behind the point of ``TrendState.level``."""
_SPREAD: Final = 8
_BITS: Final[Ints] = 1 << np.arange(32)


class TrendState(Scheduled):
    """Per continuous series.  ``level`` int64: the baseline, 24 bits behind the point; ``spread`` int64: its variance, 24
    bits; ``sums`` int64 [side] and ``mean`` int32 of the last minute, both 8 bits; ``seen`` int32 minutes; ``last`` int32:
    the last minute with a value, -1: none.  ``active`` bool [kind, side].
    """

    level: Ints = array(np.int64)
    spread: Ints = array(np.int64)
    sums: Ints = array(np.int64, lead=(2,))
    mean: Cells = array(np.int32)
    seen: Cells = array(np.int32)
    last: Cells = array(np.int32, -1)
    active: Bools = array(np.bool_, lead=(3, 2))


def learn(state: TrendState, table: TrendTable, column: Ints, vital: Bytes, mean: Ints, minute: int) -> None:
    """Take in one minute's means (int64 [n], ``FRACTION`` bits behind the point) of some series (int64, unique)."""
    sigma = sigma_of(state, table, column, vital)
    level, seen = state.level[column], state.seen[column].astype(np.int64)
    distance = np.where(seen > 0, mean - (level >> _LEVEL), 0)
    slack, warm = table.slack[vital] * sigma >> FRACTION, seen >= WARM
    kept = warm & (minute - state.last[column] <= HOLE)
    for side, signed in enumerate((distance, -distance)):
        greatest = 2 * bound_of(table, side, vital, sigma)
        total = np.where(kept, state.sums[side, column], 0) + signed - slack
        state.sums[side, column] = np.where(warm, np.clip(total, 0, greatest), 0)
    shift = np.minimum(table.shift[vital], np.searchsorted(_BITS, seen + 1, side="right") - 1)
    state.level[column] = level + (((mean << _LEVEL) - level) >> shift)
    state.spread[column] += ((distance * distance << _SPREAD) - state.spread[column]) >> shift
    state.mean[column], state.last[column] = mean, minute
    state.seen[column] = np.minimum(seen + 1, 1 << 30)


def sigma_of(state: TrendState, table: TrendTable, column: Ints, vital: Bytes) -> Ints:
    """The standard deviation of a minute about the baseline, int64 [n], ``FRACTION`` bits behind the point."""
    root = np.sqrt((state.spread[column] >> _SPREAD).astype(np.float64)).astype(np.int64)  # exact below 2**52
    found: Ints = np.maximum(root, table.floor[vital])
    return found


def bound_of(table: TrendTable, side: int, vital: Bytes, sigma: Ints) -> Ints:
    """The bound that a sum has to pass, int64 [n]; 0 where the rule is off."""
    found: Ints = table.limit[side, vital] * sigma >> FRACTION
    return found
