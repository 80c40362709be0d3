"""One second per row, one series per column: the last five minutes of every continuous series.

A cell is one int32: (millisecond + 1) << 16 | value, value a fixed-point integer 0..32767.  MISS < POOR < every value, so
"the sample with the greatest (time, value) decides the second" is plain max: order, duplicates and cuts cannot matter.
The low half of a cell, read as int16, makes MISS and POOR smaller than every value; read as uint16, larger: max and min
over a window need no mask.
"""

from __future__ import annotations

from typing import ClassVar, Final

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
    """cells int32 [ROWS, series]."""

    FIELDS: ClassVar = {"cells": Field(np.int32, MISS, (ROWS,))}
    cells: Cells

    def __init__(self, axis: Axis) -> None:
        super().__init__(axis, None)

    def write(self, series: Ints, second: Ints, cell: Cells) -> tuple[Ints, Ints, Cells, Cells]:
        """Join samples; (series, second, cell, cell before) of the cells that changed, each once.

        series, second int64 [n], cell int32 [n]; of records that stand in second e, e - 299 <= second <= e + 30.
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
        return series, second, cell, old

    def at(self, series: Ints, second: Ints) -> Cells:
        """Cells int32 [n] of seconds that are in the ring."""
        found: Cells = self.cells[rows_of(second), series] if second.size else np.empty(0, np.int32)
        return found

    def during(self, second: Ints, series: slice | Ints) -> Cells:
        """Cells int32 [s, k] of seconds int64 [s] that are in the ring."""
        rows = second % ROWS
        found: Cells = self.cells[rows, series] if isinstance(series, slice) else self.cells[rows[:, None], series]
        return found

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
