"""The windows [now - w, now) of 60 s and 5 min: figures in the vital's unit, from exact integers.

They are kept up only where a stage asks for them (:meth:`streams.engine.stage.View.windows`), and follow from the cells of
the ring alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from devices.sample import STEPS
from streams.engine.columns.arrays import Bools, Bytes, Cells, Floats, Ints
from streams.engine.series.ring import WINDOWS, Ring
from streams.engine.series.statistics import statistics
from streams.engine.windows.extremes import Extremes
from streams.engine.windows.sums import RollingSums


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of one window, by column.  ``n`` int64: seconds with a usable value; ``poor`` int64: seconds with only
    unusable ones; ``coverage`` float64: n / length.  ``mean``, ``min``, ``max`` float64 in units, NaN where n is 0; ``std``
    (of the sample, n - 1) NaN where n < 2; ``slope`` units a second, least squares, NaN under two seconds.
    """

    n: Ints
    poor: Ints
    coverage: Floats
    mean: Floats
    min: Floats
    max: Floats
    std: Floats
    slope: Floats


def figures_of(exact: tuple[Ints, ...], steps: Floats, seconds: int, each: int = 1) -> Figures:
    """The figures of a window from its exact integers, as of :meth:`Windows.exact`; ``steps`` float64 of the same columns,
    ``seconds``: its length, ``each``: the seconds of one unit of t.
    """
    n, v, vv, st, stt, stv, low, high, poor = exact
    mean, std, slope = statistics(n, v, vv, st, stt, stv, steps)
    lowest, highest = (np.where(n == 0, np.nan, value / steps) for value in (low, high))
    return Figures(n, poor, n / seconds, mean, lowest, highest, std, slope / each)


class Windows:
    """Sums and extremes over a ring.  :class:`streams.engine.series.dense.DenseSeries` says what happens to the ring."""

    def __init__(self, ring: Ring) -> None:
        self.sums, self.extremes = RollingSums(ring), Extremes(ring)

    def written(self, series: Ints, second: Ints, cell: Cells, old: Cells, now: int) -> None:
        """Cells have changed, as :meth:`streams.engine.windows.sums.RollingSums.written`."""
        self.sums.written(series, second, cell, old, now)
        self.extremes.touch(series, second)

    def begin(self, now: int, columns: slice, mask: Bools | None) -> None:
        """Second ``now`` begins; the oldest second is still in the ring."""
        self.sums.begin(now, columns, mask)
        self.extremes.begin(now, columns, mask)

    def clear(self, columns: slice) -> None:
        """The ring of a slice was cleared."""
        self.sums.vacate(columns)
        self.extremes.forget(columns)

    def recompute(self, columns: slice, now: int) -> None:
        """The ring of a slice was filled, as it stood after second ``now`` was folded."""
        self.sums.recompute(columns, now)
        self.extremes.forget(columns)

    def exact(self, window: int, now: int, columns: slice, mask: Bools | None = None) -> tuple[Ints, ...]:
        """Exact integers of the window with index ``window`` of :data:`streams.engine.series.ring.WINDOWS`: n, sv, svv, st,
        stt, stv, min, max, poor (int64 [columns]), values in fixed point.

        t counts from ``now``, so st is negative.  min and max of an empty window: 32768 and -1.  What ``mask`` leaves out
        (:meth:`streams.engine.columns.axis.Axis.span`) is undefined.
        """
        first, vv, t, tt, tv = self.sums.sums[window, :, columns]
        n, v = first & 0xFFFF, first >> 16
        st = t - n * now
        low, high, poor = self.extremes.over(WINDOWS[window], now, columns, mask)
        lowest, highest = np.where(n > 0, low, 32768).astype(np.int64), np.where(n > 0, high, -1).astype(np.int64)
        return n, v, vv, st, tt - 2 * now * t + n * now * now, tv - v * now, lowest, highest, poor.astype(np.int64)

    def figures(self, vital: Bytes, window: int, now: int, columns: slice, mask: Bools | None = None) -> Figures:
        """The figures of a window; ``vital`` uint8 of the same columns; ``window`` and ``mask`` as in :meth:`exact`."""
        return figures_of(self.exact(window, now, columns, mask), STEPS[vital], WINDOWS[window])
