"""The recent past of all series of one kind: continuous (:mod:`streams.engine.series.dense`) or episodic
(:mod:`streams.engine.series.sparse`).

Each second the engine calls ``turn``, evaluates the stages, and calls ``enter``; ``fold`` takes the samples in between.
"""

from __future__ import annotations

import numpy as np

from streams.engine.columns.arrays import Bools, Cells, Ints, Rows
from streams.engine.columns.axis import Axis
from streams.engine.series.due_later import DueLater
from streams.engine.series.newest import NEVER, Newest
from streams.engine.series.rollup import DUE, next_due
from streams.engine.series.series import Series
from streams.engine.series.updates import Updates, updates_of
from streams.engine.writes import LATE


class SeriesStore:
    """``series`` and ``newest`` have a column a series.  ``changed``: samples folded in a second and not yet evaluated.
    ``ahead``: samples ahead of the clock.  ``late``: minutes that the store recomputes.
    """

    def __init__(self) -> None:
        self.axis = Axis()
        self.series = Series(self.axis, "series")
        self.newest = Newest(self.axis, "newest")
        self.changed = DueLater(self.axis)
        self.ahead = DueLater(self.axis)
        self.late = DueLater(self.axis)
        self._scratch = np.empty(0, np.int32)

    def fold(self, now: int, column: Ints, second: Ints, cell: Cells) -> None:
        """Take samples of records that stand in second ``now``: column, second (measured) int64 [n], cell int32 [n]."""
        raise NotImplementedError

    def turn(self, now: int, partitions: Ints, member: Bools | None, late: list[Rows], rollups: list[Rows]) -> Updates:
        """Begin second ``now`` for some partitions (int64, ascending; ``member`` as in
        :meth:`streams.engine.columns.axis.Axis.span`): append LATE and ROLLUP rows, and return what became visible, which is
        not yet in ``newest``.
        """
        raise NotImplementedError

    def idle_until(self, now: int, held: Ints) -> int:
        """The first second, from ``now`` on, at which :meth:`turn` and :meth:`enter` have more to do than to let time pass,
        while nothing is folded; ``held``: the partitions.
        """
        waiting = min(self.changed.first, self.late.first) + 1
        minutes = int(next_due(now - 1, DUE[held]).min(initial=NEVER))
        return min(waiting, self.ahead.first, minutes)

    def enter(self, now: int, member: Bools | None) -> None:
        """Second ``now`` has been evaluated: samples that were ahead of the clock join it, before any record of it does."""
        raise NotImplementedError

    def history(self, series: Ints, now: int) -> tuple[Ints, Ints, Cells]:
        """The values visible at ``now`` of series int64 [k]: (position in ``series``, second, value), sorted by position and
        second.
        """
        raise NotImplementedError

    def learn(self, updates: Updates, stalled_s: Ints) -> None:
        """Take updates into ``newest``; ``stalled_s`` int64 [PARTITIONS]."""
        column, second = updates.column, updates.second
        expires = second + self.series.validity[column] - stalled_s[self.axis.owner[column]]
        self.newest.learn(column, second, updates.cell, expires)

    def forget(self, partition: int, member: Bools, _old: int, now: int) -> None:
        """Forget what came after second ``now``, to which the clock of a partition was set back from second ``old``;
        ``member`` marks the partition.  The newest values count as measured now.
        """
        self.changed.clear(member)
        self.ahead.clear(member)
        self.late.postpone(now, member)
        columns = self.axis.of(partition)
        self.newest.second[columns] = np.minimum(self.newest.second[columns], now)

    def _updates(self, column: Ints, second: Ints, cell: Cells) -> Updates:
        if len(self._scratch) < self.axis.width:
            self._scratch = np.empty(self.axis.width, np.int32)
        return updates_of(self.newest, column, second, cell, self._scratch)

    def _late_rows(self, now: int, member: Bools | None) -> list[Rows]:
        """LATE rows of the minutes that are due, each minute of a series once."""
        column, minute = distinct_minutes(*self.late.take(now - 1, member)[:2])
        if not column.size:
            return []
        return [self._named(np.zeros(len(column), LATE), column, minute, now)]

    def _named(self, rows: Rows, column: Ints, minute: Ints | int, now: int) -> Rows:
        """LATE or ROLLUP rows with their series, minute and second."""
        for field in ("patient", "vital", "device"):
            rows[field] = getattr(self.series, field)[column]
        rows["partition"], rows["minute"], rows["second"] = self.axis.owner[column], minute, now
        return rows


def distinct_minutes(column: Ints, minute: Ints) -> tuple[Ints, Ints]:
    """Column and unix minute int64 [n]: each pair once, sorted."""
    if column.size < 2:
        return column, minute
    both = np.unique(column << 32 | minute)
    return both >> 32, both & 0xFFFFFFFF
