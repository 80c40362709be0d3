"""A robust slope over minute means: the median of the differences between minutes half a window apart.

Theil's incomplete method (Theil 1950, *confirm*): of Theil-Sen's n(n-1)/2 pairs the n/2 of (i, i + n/2), so 30 instead of
1,770 in an hour, all of one length, so the median of their differences is that of their slopes.  A quarter of the minutes
may be wrong before it breaks (Theil-Sen: 29 %).  No figure for patients was found (reference: clinical): an engineering
choice.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from alerts.rules.trends.trend_table import FRACTION
from streams.engine.columns.arrays import Bools, Ints
from streams.engine.series.closed import ClosedMinutes

_MISSING: Final = 1 << 30


def means(minutes: ClosedMinutes, first: int, count: int, column: Ints) -> tuple[Ints, Bools]:
    """(means int64, there bool) [count, n] of ``count`` minutes from ``first`` on, ``FRACTION`` bits behind the point."""
    rows = (np.arange(first, first + count) % minutes.LENGTH)[:, None]
    n = minutes.n[rows, column].astype(np.int64)
    mean = (minutes.sum[rows, column].astype(np.int64) << FRACTION) // np.maximum(n, 1)
    return mean, n > 0


def twice_median(minutes: ClosedMinutes, newest: int, span: int, column: Ints) -> tuple[Ints, Bools]:
    """(twice the median difference int64, whether at least half of the pairs are there bool), both [n], of the ``span``
    minutes (even) up to ``newest``, of some series.
    """
    half = span // 2
    mean, there = means(minutes, newest - span + 1, span, column)
    both = there[half:] & there[:half]
    difference = np.where(both, mean[half:] - mean[:half], _MISSING).astype(np.int32)
    difference = np.sort(difference.T, axis=1)
    count = both.sum(0)
    at = np.arange(len(column))
    low, high = difference[at, np.maximum(count - 1, 0) // 2], difference[at, np.minimum(count // 2, half - 1)]
    twice: Ints = low.astype(np.int64) + high
    return twice, 2 * count >= half
