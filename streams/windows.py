"""What stages read of a window [now - w, now): figures in the vital's unit, from exact integers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from devices.sample import STEPS
from streams.arrays import Bytes, Floats, Ints
from streams.ring import POOR, ROWS, WINDOWS, Ring

_POOR16: Final = POOR - 65536
_CHUNK: Final = 1024
"""Columns at a time."""


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


def exact(ring: Ring, window: int, now: int, columns: slice) -> tuple[Ints, ...]:
    """Exact integers of a window: n, sv, svv, st, stt, stv, min, max, poor (int64 [columns]), values in fixed point.

    t counts from ``now``, so st is negative.  min and max of an empty window: 32768 and -1.
    """
    first, vv, t, tt, tv = ring.sums[window, :, columns]
    n, v = first & 0xFFFF, first >> 16
    st = t - n * now
    low, high, poor = _extremes(ring, now - WINDOWS[window], now, columns)
    low, high = np.where(n > 0, low, 32768), np.where(n > 0, high, -1)
    return n, v, vv, st, tt - 2 * now * t + n * now * now, tv - v * now, low, high, poor


def _extremes(ring: Ring, first: int, last: int, columns: slice) -> tuple[Ints, Ints, Ints]:
    """(lowest, highest, poor) int64 [columns] of the seconds from ``first`` to before ``last``.

    The low halves of the cells are copied out, a few columns at a time: whole vectors and a warm cache are worth the copy.
    """
    width = columns.stop - columns.start
    low, high, poor = np.empty((3, width), np.int64)
    begin, end = first % ROWS, last % ROWS
    rows = (slice(begin, end),) if begin < end else (slice(begin, ROWS), slice(0, end))
    for start in range(0, width, _CHUNK):
        some = slice(columns.start + start, min(columns.start + start + _CHUNK, columns.stop))
        value = np.concatenate([ring.cells[span, some].astype(np.int16) for span in rows])
        here = slice(start, start + value.shape[1])
        low[here], high[here] = value.view(np.uint16).min(0), value.max(0)
        if value.view(np.uint16).max() >= POOR:
            poor[here] = (value == _POOR16).sum(0, dtype=np.uint16)
        else:
            poor[here] = 0
    return low, high, poor


def statistics(n: Ints, v: Ints, vv: Ints, st: Ints, stt: Ints, stv: Ints, steps: Floats) -> tuple[Floats, Floats, Floats]:
    """(mean, std, slope) float64 in units from exact sums; every product is below 2**63."""
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = v / n / steps
        std = np.where(n > 1, np.sqrt((n * vv - v * v) / (n * (n - 1))), np.nan) / steps
        spread = n * stt - st * st
        slope = np.where(spread > 0, (n * stv - st * v) / spread, np.nan) / steps
    return mean, std, slope


def figures(ring: Ring, vital: Bytes, window: int, now: int, columns: slice) -> Figures:
    """The window with index ``window`` of :data:`streams.ring.WINDOWS`; ``vital`` uint8 of the same columns."""
    n, v, vv, st, stt, stv, low, high, poor = exact(ring, window, now, columns)
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
