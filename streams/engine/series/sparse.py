"""The series of episodic vitals (pressure, temperature, weight, glucose): the last few readings of each.

The engine does not roll up their minutes.  It names each minute that got a sample ``LATE`` when its partition writes
rollups, and an older one at once; the store computes it from stored readings (docs/decisions/0018-episodic-vitals.md).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from streams.engine.columns.arrays import Bools, Cells, Ints, Rows, ends
from streams.engine.columns.axis import Columns, array
from streams.engine.series.newest import NEVER
from streams.engine.series.ring import LONGEST, OK
from streams.engine.series.rollup import DUE, next_due
from streams.engine.series.series_store import SeriesStore
from streams.engine.series.updates import Updates

KEPT: Final = 8
"""Readings a series."""


class Readings(Columns):
    """The last KEPT usable seconds, ascending: ``second`` int64 and ``cell`` int32 [KEPT, series]; empty ones first."""

    second: Ints = array(np.int64, -NEVER, (KEPT,))
    cell: Cells = array(np.int32, lead=(KEPT,))

    def join(self, column: Ints, second: Ints, cell: Cells) -> None:
        """Take in values in any order; of one second the greatest cell counts."""
        touched = np.unique(column)
        columns = np.concatenate((np.tile(touched, KEPT), column))
        seconds = np.concatenate((self.second[:, touched].reshape(-1), second))
        cells = np.concatenate((self.cell[:, touched].reshape(-1), cell))
        order = np.lexsort((cells, seconds, columns))
        columns, seconds, cells = columns[order], seconds[order], cells[order]
        last = (ends(columns) | ends(seconds)) & (seconds > -NEVER)
        columns, seconds, cells = columns[last], seconds[last], cells[last]
        from_end = np.searchsorted(columns, columns, side="right") - 1 - np.arange(len(columns))
        kept = from_end < KEPT
        row = KEPT - 1 - from_end[kept]
        self.second[row, columns[kept]] = seconds[kept]
        self.cell[row, columns[kept]] = cells[kept]


class SparseSeries(SeriesStore):
    """``readings`` has a column a series."""

    def __init__(self) -> None:
        super().__init__()
        self.readings = Readings(self.axis, "readings")

    def fold(self, now: int, column: Ints, second: Ints, cell: Cells) -> None:
        minute = second // 60
        due = next_due(np.maximum(now, minute * 60 + 59), DUE[self.axis.owner[column]])
        self.late.put_each(np.where(second > now - LONGEST, due - 1, now), column, minute, cell)
        ahead, seen = (cell >= OK) & (second > now), (cell >= OK) & (second <= now)
        self.ahead.put_each(second[ahead], column[ahead], second[ahead], cell[ahead])
        self.changed.put(now, column[seen], second[seen], cell[seen])

    def turn(self, now: int, _partitions: Ints, member: Bools | None, late: list[Rows], _rollups: list[Rows]) -> Updates:
        column, second, cell = self.changed.take(now - 1, member)
        if column.size:
            new = second > self.readings.second[0, column]  # older than all that is kept: it decides nothing
            known = (self.readings.second[:, column] == second) & (self.readings.cell[:, column] >= cell)
            new &= ~known.any(0)
            column, second, cell = column[new], second[new], cell[new]
        updates = self._updates(column, second, cell)
        if column.size:
            self.readings.join(updates.column, updates.second, updates.cell)
        late += self._late_rows(now, member)
        return updates

    def enter(self, now: int, member: Bools | None) -> None:
        if now in self.ahead:
            self.changed.put(now, *self.ahead.take(now, member))

    def history(self, series: Ints, now: int) -> tuple[Ints, Ints, Cells]:
        position, row = np.nonzero(self.readings.second[:, series].T > -NEVER)
        column = series[position]
        return position, self.readings.second[row, column], self.readings.cell[row, column] & 0x7FFF

    def forget(self, partition: int, member: Bools, old: int, now: int) -> None:
        super().forget(partition, member, old, now)
        columns = self.axis.of(partition)
        second, cell = self.readings.second[:, columns], self.readings.cell[:, columns]
        later = second > now
        second[later], cell[later] = -NEVER, 0
