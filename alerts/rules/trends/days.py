"""The last reading of each day of a vital that is measured now and then, for four weeks; days are those of UTC.

A cell is ``second of the day // 2 << 15 | value``, so "the last reading" is plain max: no order and no copy matters.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from streams.engine.columns.arrays import Bools, Cells, Ints
from streams.engine.columns.axis import Columns, array
from streams.engine.series.newest import NEVER
from streams.engine.series.sparse import Readings

LENGTH: Final = 28
_DAY: Final = 86_400
_VALUE: Final = 0x7FFF
_NONE: Final = -1


class DayValues(Columns):
    """Per series: ``cell`` int32 [day % LENGTH], -1: none; ``last`` int32: the newest day, -1: none."""

    cell: Cells = array(np.int32, _NONE, (LENGTH,))
    last: Cells = array(np.int32, _NONE)

    def join(self, column: Ints, second: Ints, value: Cells) -> None:
        """Take in readings of some series, all [n]; one may occur more than once."""
        day = (second // _DAY).astype(np.int32)
        newest = self.last.copy()
        np.maximum.at(newest, column, day)
        moved = np.flatnonzero(newest > self.last)
        gap = np.where(self.last[moved] < 0, LENGTH, newest[moved] - self.last[moved])
        for back in range(min(int(gap.max(initial=0)), LENGTH)):
            here = moved[gap > back]
            self.cell[(newest[here] - back) % LENGTH, here] = _NONE
        self.last[moved] = newest[moved]
        kept = day > self.last[column] - LENGTH
        column, day, second = column[kept], day[kept], second[kept]
        cells = (second % _DAY // 2 << 15 | value[kept]).astype(np.int32)
        np.maximum.at(self.cell, (day % LENGTH, column), cells)

    def set_back(self, columns: slice, now: int, readings: Readings) -> None:
        """Forget what came after second ``now``, to which the clock was set back."""
        column, today = np.arange(columns.start, columns.stop), now // _DAY
        later = column[self.last[columns] >= today]
        for day in range(today, today + LENGTH):
            here = later[self.last[later] >= day]
            self.cell[day % LENGTH, here] = _NONE
        self.last[later] = today
        position, row = np.nonzero(readings.second[:, later].T > -NEVER)
        back = later[position]
        of_today = readings.second[row, back] // _DAY == today
        back, row = back[of_today], row[of_today]
        self.join(back, readings.second[row, back], readings.cell[row, back] & _VALUE)

    def values(self, column: Ints, count: int) -> tuple[Ints, Bools]:
        """(values int64, there bool) [count, n] of the last days of some series, the newest last."""
        day = self.last[column].astype(np.int64) - np.arange(count)[::-1, None]
        cell = self.cell[day % LENGTH, column]
        return (cell & _VALUE).astype(np.int64), (cell > _NONE) & (day >= 0)


def rising(value: Ints, there: Bools) -> tuple[Ints, Ints, Bools]:
    """For values int64 [days, n] (days even): twice the median difference between days half of them apart, the lower median
    of the first half, both int64 [n]; and whether at least half of the pairs are there, bool [n].
    """
    half, at = len(value) // 2, np.arange(value.shape[1])
    both = there[half:] & there[:half]
    pairs, difference = both.sum(0), np.sort(np.where(both, value[half:] - value[:half], NEVER), axis=0)
    low, high = difference[np.maximum(pairs - 1, 0) // 2, at], difference[np.minimum(pairs // 2, half - 1), at]
    first = np.sort(np.where(there[:half], value[:half], NEVER), axis=0)
    start = first[np.maximum(there[:half].sum(0) - 1, 0) // 2, at]
    return low + high, start, 2 * pairs >= half
