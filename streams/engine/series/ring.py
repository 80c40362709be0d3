"""One second per row, one series per column: the last five minutes of every continuous series, and exact sums over them.

A cell is one int32: (millisecond + 1) << 16 | value, value a fixed-point integer 0..32767.  MISS < POOR < every value, so
"the sample with the greatest (time, value) decides the second" is plain max: order, duplicates and cuts cannot matter.
The low half of a cell, read as int16, makes MISS and POOR smaller than every value; read as uint16, larger: max and min
over a window need no mask.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Final

import numpy as np

from streams.engine.columns.arrays import Bools, Cells, Ints
from streams.engine.columns.axis import Axis, Columns, Field

MISS: Final = 0x8000
POOR: Final = 0x8001
POOR16: Final = POOR - 65536
"""POOR as int16."""
OK: Final = 1 << 16
WINDOWS: Final = (60, 300)
"""Lengths in s."""
LONGEST: Final = 300
AHEAD: Final = 30
"""s: a sample is kept from e - 299 to e + 30, e the clock's second of its record."""
ROWS: Final = LONGEST + AHEAD + 2
"""The row that leaves the longest window at s is free for second s + 31."""
_DENSE: Final = 3
"""A row with more than 1/_DENSE of its columns filled is subtracted whole."""


def cells_of(fixed: Ints, good: Bools, millisecond: Ints) -> Cells:
    """Cells int32 [n] of fixed-point values int64 [n] (0..32767 where good), poor ones elsewhere."""
    return np.where(good, millisecond + 1 << 16 | fixed, POOR).astype(np.int32)


def rows_of(second: Ints) -> Ints:
    """Row of each second (int64 [n], n > 0); numpy's remainder of an array is slow, a table of a few rows is not."""
    first, last = int(second.min()), int(second.max())
    if first == last:
        return np.full(len(second), first % ROWS, np.int64)
    if last - first > 4 * len(second):
        return second % ROWS
    found: Ints = (np.arange(first, last + 1) % ROWS)[second - first]
    return found


class Ring(Columns):
    """cells int32 [ROWS, series]; sums int64 [window, 5, series]: n + (sum v << 16), sum v2, sum t, sum t2, sum tv.

    t is the unix second.  Sum t2 passes 2**63 and wraps; arithmetic modulo 2**64 stays exact, because what is read from it
    (:func:`streams.engine.windows.windows.figures`) is moved to the window's end first and is small.
    """

    FIELDS: ClassVar = {
        "cells": Field(np.int32, MISS, (ROWS,)),
        "sums": Field(np.int64, 0, (len(WINDOWS), 5)),
    }
    cells: Cells
    sums: Ints

    def __init__(self, axis: Axis) -> None:
        super().__init__(axis, None)

    def write(self, series: Ints, second: Ints, cell: Cells, now: int) -> tuple[Ints, Ints, Bools]:
        """Join samples, all appended while the clock stood in second ``now``; (series, second, good) of the cells that
        changed.

        series, second int64 [n], cell int32 [n]; now - 299 <= second <= now + 30.  Seconds after ``now`` enter the sums
        later, with :meth:`enter`.
        """
        flat, cells = rows_of(second) * self.cells.shape[1] + series, self.cells.reshape(-1)
        old = cells[flat]
        won = cell > old
        if not won.all():
            series, second, cell, flat, old = series[won], second[won], cell[won], flat[won], old[won]
        token = -1 - np.arange(len(flat), dtype=np.int32)  # does a cell occur twice?  The last token written shows it
        cells[flat] = token
        if not np.array_equal(cells[flat], token):
            order = np.lexsort((cell, flat))
            order = order[np.append(flat[order][1:] != flat[order][:-1], True)]
            series, second, cell, flat, old = series[order], second[order], cell[order], flat[order], old[order]
        cells[flat] = cell
        good = cell >= OK  # poor says only that somebody measured: no sum, no condition
        if good.all():
            self._spread(series, second, cell & 0x7FFF, now, np.add)
        else:
            self._spread(series[good], second[good], cell[good] & 0x7FFF, now, np.add)
        again = np.flatnonzero(old >= OK)
        if again.size:
            self._spread(series[again], second[again], old[again] & 0x7FFF, now, np.subtract)
        return series, second, good

    def at(self, series: Ints, second: Ints) -> Cells:
        """Cells int32 [n] of seconds that are in the ring."""
        found: Cells = self.cells[rows_of(second), series] if second.size else np.empty(0, np.int32)
        return found

    def during(self, second: Ints, series: slice | Ints) -> Cells:
        """Cells int32 [s, k] of seconds int64 [s] that are in the ring."""
        rows = second % ROWS
        found: Cells = self.cells[rows, series] if isinstance(series, slice) else self.cells[rows[:, None], series]
        return found

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
        value = self.cells[second % ROWS, series] & 0x7FFF
        self._spread(series, np.full(len(series), second), value, second, np.add)

    def leave(self, second: int, window: int, columns: slice, mask: Bools | None) -> None:
        """Subtract row ``second`` from a window (its index) for the columns of a slice, of which mask (or None: all)."""
        row = self.cells[second % ROWS, columns]
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

    def forget(self, second: int, columns: slice, mask: Bools | None) -> None:
        """Free row ``second`` for reuse."""
        if mask is None:
            self.cells[second % ROWS, columns] = MISS
        else:
            self.cells[second % ROWS, columns][mask] = MISS

    def history(self, series: Ints, now: int) -> tuple[Ints, Ints, Cells]:
        """The values in [now - 300, now) of series (int64 [k], unique): (position in ``series``, second, value), sorted by
        position and second.
        """
        seconds = np.arange(now - LONGEST, now)
        found = self.cells[(seconds % ROWS)[:, None], series].T
        position, row = np.nonzero(found >= OK)
        return position, seconds[row], found[position, row] & 0x7FFF

    def clear(self, columns: slice) -> None:
        """Forget everything of a slice."""
        self.cells[:, columns] = MISS
        self.sums[:, :, columns] = 0

    def resum(self, columns: slice, now: int) -> None:
        """Compute the sums of a slice from its cells, as they stand after second ``now`` was folded."""
        self.sums[:, :, columns] = 0
        seconds = np.arange(now - LONGEST, now + 1)
        cells = self.cells[seconds % ROWS, columns]
        flat = np.flatnonzero(cells >= OK)
        if flat.size:
            row, series = np.divmod(flat, cells.shape[1])
            self._spread(series + columns.start, seconds[row], cells.reshape(-1)[flat] & 0x7FFF, now, np.add)
