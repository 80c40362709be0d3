"""What stages read of a window [now - w, now): figures in the vital's unit, from exact integers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from devices.sample import STEPS
from streams.engine.columns.arrays import Bools, Bytes, Floats, Ints
from streams.engine.series.ring import WINDOWS
from streams.engine.series.statistics import statistics
from streams.engine.windows.extremes import Extremes


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one window, by column.  ``n`` int64: seconds with a usable value; ``poor`` int64: seconds with only unusable ones;
    ``coverage`` float64: n / length.  ``mean``, ``min``, ``max`` float64 in units, NaN where n is 0; ``std`` (of the
    sample, n - 1) NaN where n < 2; ``slope`` units a second, least squares, NaN under two seconds.
    """

    n: Ints
    poor: Ints
    coverage: Floats
    mean: Floats
    min: Floats
    max: Floats
    std: Floats
    slope: Floats


def exact(extremes: Extremes, window: int, now: int, columns: slice, mask: Bools | None = None) -> tuple[Ints, ...]:
    """Exact integers of a window: n, sv, svv, st, stt, stv, min, max, poor (int64 [columns]), values in fixed point.

    t counts from ``now``, so st is negative.  min and max of an empty window: 32768 and -1.  What ``mask`` leaves out
    (:meth:`streams.engine.columns.axis.Axis.span`) is undefined.
    """
    first, vv, t, tt, tv = extremes.ring.sums[window, :, columns]
    n, v = first & 0xFFFF, first >> 16
    st = t - n * now
    low, high, poor = extremes.over(WINDOWS[window], now, columns, mask)
    lowest, highest = np.where(n > 0, low, 32768).astype(np.int64), np.where(n > 0, high, -1).astype(np.int64)
    return n, v, vv, st, tt - 2 * now * t + n * now * now, tv - v * now, lowest, highest, poor.astype(np.int64)


def figures(extremes: Extremes, vital: Bytes, window: int, now: int, columns: slice, mask: Bools | None = None) -> Figures:
    """The window with index ``window`` of :data:`streams.engine.series.ring.WINDOWS`; ``vital`` uint8 of the same columns;
    ``mask`` as in :func:`exact`.
    """
    n, v, vv, st, stt, stv, low, high, poor = exact(extremes, window, now, columns, mask)
    steps = STEPS[vital]
    mean, std, slope = statistics(n, v, vv, st, stt, stv, steps)
    empty = n == 0
    return Figures(
        n,
        poor,
        n / WINDOWS[window],
        mean,
        np.where(empty, np.nan, low / steps),
        np.where(empty, np.nan, high / steps),
        std,
        slope,
    )
