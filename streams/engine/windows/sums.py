"""Exact sums over windows, carried on as samples come and leave."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from streams.engine.columns.arrays import Bools, Cells, Ints
from streams.engine.columns.axis import Columns, array
from streams.engine.series.ring import LONGEST, OK, ROWS, WINDOWS, Ring

_DENSE: Final = 3
"""A row with more than 1/_DENSE of its columns filled is subtracted whole."""


class RollingSums(Columns):
    """sums int64 [window, 5, series] over the cells of a ring: n + (sum v << 16), sum v2, sum t, sum t2, sum tv.

    t is the unix second.  Sum t2 passes 2**63 and wraps; arithmetic modulo 2**64 stays exact, because what is read from it
    (:meth:`streams.engine.windows.windows.Windows.exact`) is moved to the window's end first and is small.
    """

    sums: Ints = array(np.int64, lead=(len(WINDOWS), 5))

    def __init__(self, ring: Ring) -> None:
        super().__init__(ring.axis, None)
        self.ring = ring

    def written(self, series: Ints, second: Ints, cell: Cells, old: Cells, now: int) -> None:
        """Cells of the ring have changed (:meth:`streams.engine.series.ring.Ring.write`) while the clock stood in second
        ``now``.  Seconds after ``now`` enter later, with :meth:`enter`; a poor cell is in no sum.
        """
        for cells, op in ((cell, np.add), (old, np.subtract)):
            good = np.flatnonzero(cells >= OK)
            if good.size == len(cells):
                self._spread(series, second, cells & 0x7FFF, now, op)
            elif good.size:
                self._spread(series[good], second[good], cells[good] & 0x7FFF, now, op)

    def _spread(self, series: Ints, second: Ints, value: Cells, now: int, op: np.ufunc) -> None:
        """Add or subtract samples in every window that covers them: [now - w, now], whose oldest row leaves next."""
        if not series.size:
            return
        if second.max() > now:
            seen = second <= now
            series, second, value = series[seen], second[seen], value[seen]
            if not series.size:
                return
        wide = value.astype(np.int64)
        words = ((wide << 16) + 1, wide * wide, second, second * second, second * wide)
        oldest = second.min()
        put: Callable[[Any, Any, Any], None] = op.at
        for sums, length in zip(self.sums, WINDOWS, strict=True):
            if oldest < now - length:
                inside = second >= now - length
                for total, word in zip(sums, words, strict=True):
                    put(total, series[inside], word[inside])
            else:
                for total, word in zip(sums, words, strict=True):
                    put(total, series, word)

    def enter(self, series: Ints, second: int) -> None:
        """Samples that were ahead of the clock become visible: series int64 [n], unique, all in one second."""
        value = self.ring.cells[second % ROWS, series] & 0x7FFF
        self._spread(series, np.full(len(series), second), value, second, np.add)

    def begin(self, now: int, columns: slice, mask: Bools | None) -> None:
        """Second ``now`` begins: one second leaves each window, for the columns of a slice of which mask (or None: all)."""
        for window, length in enumerate(WINDOWS):
            self._leave(now - 1 - length, window, columns, mask)

    def _leave(self, second: int, window: int, columns: slice, mask: Bools | None) -> None:
        row = self.ring.cells[second % ROWS, columns]
        good = row >= OK
        if mask is not None:
            good &= mask
        count = int(np.count_nonzero(good))
        if not count:
            return
        sums = self.sums[window, :, columns]
        if count * _DENSE < len(row):
            series = np.flatnonzero(good)
            value = (row[series] & 0x7FFF).astype(np.int64)
            words = ((value << 16) + 1, value * value, second, second * second, value * second)
            for total, word in zip(sums, words, strict=True):
                total[series] -= word
            return
        value = np.bitwise_and(row, 0x7FFF, dtype=np.int64)
        ones = good.astype(np.int64)
        if count < len(row):
            value *= ones
        sums[0] -= (value << 16) + ones
        sums[2] -= ones * second
        sums[3] -= ones * (second * second)
        sums[4] -= value * second
        value *= value
        sums[1] -= value

    def recompute(self, columns: slice, now: int) -> None:
        """Compute the sums of a slice from its cells, as they stand after second ``now`` was folded."""
        self.vacate(columns)
        seconds = np.arange(now - LONGEST, now + 1)
        cells = self.ring.during(seconds, columns)
        flat = np.flatnonzero(cells >= OK)
        if flat.size:
            row, series = np.divmod(flat, cells.shape[1])
            self._spread(series + columns.start, seconds[row], cells.reshape(-1)[flat] & 0x7FFF, now, np.add)
