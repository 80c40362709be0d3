"""The store of episodic vitals (pressure, temperature, weight, glucose): the last few readings of each series.

Their minutes are not rolled up here: each minute that got a sample is named ``LATE`` when its partition writes rollups,
older ones at once, and the store computes it from the stored readings (docs/decisions/0018-episodic-vitals.md).
"""

from __future__ import annotations

from typing import ClassVar, Final

import numpy as np

from streams.engine.columns.arrays import Bools, Cells, Ints, Rows
from streams.engine.columns.axis import Axis, Columns, Field
from streams.engine.series.due_later import DueLater
from streams.engine.series.ring import LONGEST, OK
from streams.engine.series.rollup import DUE, next_due
from streams.engine.series.updates import NEVER, Newest, Series, Updates, late_rows, updates_of

KEPT: Final = 8
"""Readings a series."""


class Readings(Columns):
    """The last KEPT usable seconds, ascending: ``second`` int64 and ``cell`` int32 [KEPT, series]; empty ones first."""

    FIELDS: ClassVar = {"second": Field(np.int64, -NEVER, (KEPT,)), "cell": Field(np.int32, 0, (KEPT,))}
    second: Ints
    cell: Cells

    def join(self, column: Ints, second: Ints, cell: Cells) -> None:
        """Values in any order; of one second the greatest cell stands."""
        touched = np.unique(column)
        columns = np.concatenate((np.tile(touched, KEPT), column))
        seconds = np.concatenate((self.second[:, touched].reshape(-1), second))
        cells = np.concatenate((self.cell[:, touched].reshape(-1), cell))
        order = np.lexsort((cells, seconds, columns))
        columns, seconds, cells = columns[order], seconds[order], cells[order]
        last = np.append((columns[1:] != columns[:-1]) | (seconds[1:] != seconds[:-1]), True)
        last &= seconds > -NEVER
        columns, seconds, cells = columns[last], seconds[last], cells[last]
        from_end = np.searchsorted(columns, columns, side="right") - 1 - np.arange(len(columns))
        kept = from_end < KEPT
        row = KEPT - 1 - from_end[kept]
        self.second[row, columns[kept]] = seconds[kept]
        self.cell[row, columns[kept]] = cells[kept]


class SparseSeries:
    """``readings`` has a column a series; ``newest`` is the newest usable second of each."""

    def __init__(self) -> None:
        self.axis = Axis()
        self.series = Series(self.axis, "series")
        self.newest = Newest(self.axis, "newest")
        self.readings = Readings(self.axis, "readings")
        self.changed = DueLater(self.axis)
        self.ahead = DueLater(self.axis)
        self.late = DueLater(self.axis)
        self._place = np.empty(0, np.int32)

    def fold(self, now: int, column: Ints, second: Ints, cell: Cells) -> None:
        """Samples of records that stand in second ``now``, as :meth:`streams.engine.series.dense.DenseSeries.fold`."""
        self._name(now, column, second, cell)
        good = cell >= OK
        column, second, cell = column[good], second[good], cell[good]
        if not column.size:
            return
        seen = second <= now
        self.ahead.put_each(second[~seen], column[~seen], second[~seen], cell[~seen])
        self.changed.put(now, column[seen], second[seen], cell[seen])

    def _name(self, now: int, column: Ints, second: Ints, cell: Cells) -> None:
        """Have the minutes of these samples named once they are over, as their partition does it."""
        minute = second // 60
        due = next_due(np.maximum(now, minute * 60 + 59), DUE[self.axis.owner[column]])
        self.late.put_each(np.where(second > now - LONGEST, due - 1, now), column, minute, cell)

    def turn(self, now: int, partitions: Ints, member: Bools | None, late: list[Rows], rollups: list[Rows]) -> Updates:
        """Second ``now`` begins for some partitions, as :meth:`streams.engine.series.dense.DenseSeries.turn`."""
        if len(self._place) < self.axis.width:
            self._place = np.empty(self.axis.width, np.int32)
        column, second, cell = self.changed.take(now - 1, member)
        if column.size:
            fresh = second > self.readings.second[0, column]  # older than all that is kept: it decides nothing
            known = (self.readings.second[:, column] == second) & (self.readings.cell[:, column] >= cell)
            fresh &= ~known.any(0)
            column, second, cell = column[fresh], second[fresh], cell[fresh]
        updates = updates_of(self.newest, column, second, cell, self._place)
        if column.size:
            self.readings.join(updates.column, updates.second, updates.cell)
        far, minute, _ = self.late.take(now - 1, member)
        if far.size:
            late.append(late_rows(self.axis, self.series, far, minute, now))
        return updates

    def enter(self, now: int, member: Bools | None) -> None:
        """Second ``now`` has been evaluated, as :meth:`streams.engine.series.dense.DenseSeries.enter`."""
        if now in self.ahead:
            self.changed.put(now, *self.ahead.take(now, member))

    def history(self, series: Ints, now: int) -> tuple[Ints, Ints, Cells]:
        position, row = np.nonzero(self.readings.second[:, series].T > -NEVER)
        column = series[position]
        return position, self.readings.second[row, column], self.readings.cell[row, column] & 0x7FFF

    def forget(self, partition: int, member: Bools, now: int) -> None:
        """The clock of a partition was set back to second ``now``."""
        columns = self.axis.of(partition)
        for waiting in (self.changed, self.ahead):
            for at in waiting.times():
                waiting.take(at, member)
        for at in self.late.times():
            self.late.put(now, *self.late.take(at, member))
        second, cell = self.readings.second[:, columns], self.readings.cell[:, columns]
        gone = second > now
        second[gone], cell[gone] = -NEVER, 0
        self.newest.second[columns] = np.minimum(self.newest.second[columns], now)
