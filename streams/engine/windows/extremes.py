"""Lowest and highest values of windows without reading every second of them: of each ten seconds they are kept.

They follow from the cells of the ring alone and are computed when somebody reads them: a cell that is written only marks
its ten seconds as stale.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from streams.engine.columns.arrays import Bools, Bytes, Cells, Ints
from streams.engine.columns.axis import Columns, array
from streams.engine.series.ring import AHEAD, LONGEST, MISS, POOR, POOR16, ROWS, WINDOWS, Ring

SPAN: Final = 10
"""s of a block; every window is a whole number of them, so that two windows share their ends."""
SLOTS: Final = (LONGEST + AHEAD) // SPAN + 1
"""Every block of which a cell can be written has its own."""
_DENSE: Final = 8
"""A block with more than 1/_DENSE of its columns stale is computed whole."""
_NEVER: Final = (-1, slice(0, 0))
_WITHIN: Final = np.arange(SPAN)
assert all(window % SPAN == 0 for window in WINDOWS)

Extreme = tuple[npt.NDArray[np.uint16], npt.NDArray[np.int16], npt.NDArray[np.uint16]]


class Extremes(Columns):
    """[SLOTS, series]: ``low`` uint16 and ``high`` int16 as in :mod:`streams.engine.series.ring` (above, below every value
    where there is none), ``poor`` uint8 seconds with only unusable values; ``stale``: not as the cells are.
    """

    low: npt.NDArray[np.uint16] = array(np.uint16, MISS, (SLOTS,))
    high: npt.NDArray[np.int16] = array(np.int16, MISS - 65536, (SLOTS,))
    poor: Bytes = array(np.uint8, lead=(SLOTS,))
    stale: Bools = array(np.bool_, True, (SLOTS,))

    def __init__(self, ring: Ring) -> None:
        super().__init__(ring.axis, None)
        self.ring = ring
        self._fresh = _NEVER
        """The (second, slice) of which nothing is stale."""

    def touch(self, series: Ints, second: Ints) -> None:
        """Cells were written: series, second int64 [n]."""
        self.stale[second // SPAN % SLOTS, series] = True
        self._fresh = _NEVER

    def begin(self, now: int, columns: slice, mask: Bools | None) -> None:
        """Second ``now`` begins: the block that is whole by now takes the place of one that has left the ring.  Another has
        left it now: after a gap in the log, in which not every second begins, its place is read as a later one's.
        """
        self._fresh = _NEVER
        if now % SPAN == 0:
            whole = now // SPAN - 1
            for block in (whole, whole - LONGEST // SPAN):
                self.stale[block % SLOTS, columns] |= True if mask is None else mask

    def forget(self, columns: slice) -> None:
        """All cells of a slice may have changed."""
        self.stale[:, columns] = True
        self._fresh = _NEVER

    def over(self, window: int, now: int, columns: slice, mask: Bools | None) -> Extreme:
        """(low, high, poor) [columns] of the seconds from ``now - window`` to before ``now``; ``mask`` as in
        :meth:`streams.engine.columns.axis.Axis.span`, what it leaves out is undefined.
        """
        first, last = -(-(now - window) // SPAN), now // SPAN
        if self._fresh != (now, columns):
            self._refresh(-(-(now - LONGEST) // SPAN), last, columns, mask)
            self._fresh = now, columns
        seconds = np.array([*range(now - window, first * SPAN), *range(last * SPAN, now)])
        slots = _turned(first, last, SLOTS)
        low = np.minimum.reduce([self.low[some, columns].min(0) for some in slots])
        high = np.maximum.reduce([self.high[some, columns].max(0) for some in slots])
        poor = np.zeros(columns.stop - columns.start, np.uint16)
        for some in slots:
            if self.poor[some, columns].any():
                poor += self.poor[some, columns].sum(0, dtype=np.uint16)
        if seconds.size:
            rest = _of(self.ring.during(seconds, columns))
            np.minimum(low, rest[0], out=low)
            np.maximum(high, rest[1], out=high)
            poor += rest[2]
        return low, high, poor

    def _refresh(self, first: int, last: int, columns: slice, mask: Bools | None) -> None:
        """Compute what is stale of the blocks from ``first`` to before ``last``."""
        blocks = np.arange(first, last)
        slots = blocks % SLOTS
        stale = self.stale[slots, columns]
        if mask is not None:
            stale &= mask
        which, series = np.divmod(np.flatnonzero(stale), max(stale.shape[1], 1))
        if not which.size:
            return
        many = np.bincount(which, minlength=len(blocks)) * _DENSE > stale.shape[1]
        if many.any():
            part = columns if mask is None else np.flatnonzero(mask) + columns.start
            for block in blocks[many].tolist():
                self._keep(block % SLOTS, part, self.ring.during(np.arange(block * SPAN, (block + 1) * SPAN), part))
            few = ~many[which]
            which, series = which[few], series[few]
        series += columns.start
        rows = (blocks[which] * SPAN + _WITHIN[:, None]) % ROWS
        self._keep(slots[which], series, self.ring.cells[rows, series])

    def _keep(self, slot: int | Ints, series: slice | Ints, cells: Cells) -> None:
        self.low[slot, series], self.high[slot, series], self.poor[slot, series] = _of(cells)
        self.stale[slot, series] = False


def _turned(first: int, last: int, length: int) -> list[slice]:
    """The places of entries from ``first`` to before ``last`` (fewer than ``length``) in a ring of ``length``."""
    begin, end = first % length, last % length
    return [slice(begin, end)] if begin < end else [s for s in (slice(begin, length), slice(0, end)) if s.start < s.stop]


def _of(cells: Cells) -> Extreme:
    """(low, high, poor) [k] of cells int32 [rows, k]."""
    value = cells.astype(np.int16)
    low, high = value.view(np.uint16), value
    if not value.size or low.max() < POOR:
        return low.min(0), high.max(0), np.zeros(cells.shape[1], np.uint16)
    return low.min(0), high.max(0), (value == POOR16).sum(0, dtype=np.uint16)
