"""The series of continuous vitals: the ring of seconds, the closed minutes, and those to roll up."""

from __future__ import annotations

import numpy as np

from devices.sample import STEPS
from devices.wire.batch import PARTITIONS
from streams.engine.columns.arrays import Bools, Cells, Ints, Rows, marked
from streams.engine.series.closed import Closed
from streams.engine.series.due_later import DueLater
from streams.engine.series.newest import NEVER
from streams.engine.series.ring import AHEAD, LONGEST, OK, ROWS, Ring
from streams.engine.series.rollup import DUE, Minutes, close_minute, next_due, of_minute
from streams.engine.series.series_store import SeriesStore, distinct_minutes
from streams.engine.series.updates import Updates
from streams.engine.windows.windows import Windows


class DenseSeries(SeriesStore):
    """``ring``, ``closed`` and ``minutes`` have a column a series.  ``older``: usable values from before the ring, not yet
    evaluated.  The cells of ``changed`` and ``ahead`` are 0: the values are in the ring.

    ``exact_from`` int64 [PARTITIONS]: the second from which the ring holds all that is stored; before it, after the clock
    was set back, no minute is rolled up here, and a snapshot has to carry the ring.
    """

    def __init__(self) -> None:
        super().__init__()
        self.minutes = Minutes(self.axis, "minutes")
        self.ring = Ring(self.axis)
        self.closed = Closed(self.axis)
        self.older = DueLater(self.axis)
        self.exact_from: Ints = np.zeros(PARTITIONS, np.int64)
        self.windows: Windows | None = None

    def keep_windows(self) -> Windows:
        """The windows over the ring, which are kept up from now on; to be asked for before there are any series."""
        if self.windows is None:
            if self.axis.used.any():
                raise RuntimeError("windows are asked for before the first series appears: in a stage's attach")
            self.windows = Windows(self.ring)
        return self.windows

    def fold(self, now: int, column: Ints, second: Ints, cell: Cells) -> None:
        near = second > now - LONGEST
        if not near.all():
            far = ~near
            self._name_late(now, column[far], second[far] // 60)
            far &= cell >= OK
            self.older.put(now, column[far], second[far], cell[far])
            column, second, cell = column[near], second[near], cell[near]
        if not column.size:
            return
        column, second, cell, old = self.ring.write(column, second, cell)
        if not column.size:
            return
        if self.windows is not None:
            self.windows.written(column, second, cell, old, now)
        good = cell >= OK
        # minutes that will in part have left the ring when their partition writes rollups next
        whole = -(-(next_due(now, DUE) - LONGEST) // 60) * 60
        whole = np.where(now < self.exact_from, NEVER, whole)
        on_time = second >= whole[self.axis.owner[column]]
        if not on_time.all():
            self._name_late(now, column[~on_time], second[~on_time] // 60)
        at = marked(on_time)
        self.minutes.touch(column[at], second[at])
        usable = marked(good)
        column, second = column[usable], second[usable]
        if column.size and second.max() > now:
            self._expect(column, second, now)
            seen = second <= now
            column, second = column[seen], second[seen]
        self.changed.put(now, column, second, np.zeros(len(column), np.int32))

    def turn(self, now: int, partitions: Ints, member: Bools | None, late: list[Rows], rollups: list[Rows]) -> Updates:
        columns, mask = self.axis.span(partitions, member)
        column, second, _ = self.changed.take(now - 1, member)
        if self.windows is not None:
            self.windows.begin(now, columns, mask)
        self.ring.forget(now - 1 - LONGEST, columns, mask)
        cell = self.ring.at(column, second)
        older, measured, old_cell = self.older.take(now - 1, member)
        if older.size:
            new = measured > self.newest.second[older]  # the rest decides nothing any more
            column = np.concatenate((column, older[new]))
            second, cell = np.concatenate((second, measured[new])), np.concatenate((cell, old_cell[new]))
        updates = self._updates(column, second, cell)
        late += self._late_rows(now, member)
        self.closed.entered.clear()
        rollups += [self._close(now, partition, minute) for partition, minute in self.closed.due(now, partitions)]
        for partition in partitions[DUE[partitions] == now % 60].tolist():
            rollups += self._rollups(now, partition)
        return updates

    def idle_until(self, now: int, held: Ints) -> int:
        if self.closed.due(now, held):
            return now
        return min(super().idle_until(now, held), self.older.first + 1)

    def pass_over(self, now: int, partitions: Ints, member: Bools | None) -> None:
        """A quiet second passes."""
        columns, mask = self.axis.span(partitions, member)
        if self.windows is not None:
            self.windows.begin(now, columns, mask)
        self.ring.forget(now - 1 - LONGEST, columns, mask)
        self.closed.entered.clear()

    def enter(self, now: int, member: Bools | None) -> None:
        if now in self.ahead:
            entering = np.unique(self.ahead.take(now, member)[0])
            if self.windows is not None:
                self.windows.sums.enter(entering, now)
            self.changed.put(now, entering, np.full(len(entering), now), np.zeros(len(entering), np.int32))

    def _close(self, now: int, partition: int, minute: int) -> Rows:
        """Close a minute: it enters the windows of 1 h and 24 h.  Its rollups, where due, are of the same integers."""
        columns = self.axis.of(partition)
        changed = np.zeros(columns.stop - columns.start, np.bool_)
        if now % 60 == DUE[partition]:
            changed = self.minutes.take_minute(minute, columns)
        sums, rows = close_minute(self.ring, minute, columns, changed, STEPS[self.series.vital[columns]])
        self.closed.enter(partition, minute, sums)
        return self._named(rows, np.flatnonzero(changed) + columns.start, minute, now)

    def _rollups(self, now: int, partition: int) -> list[Rows]:
        """ROLLUP rows of the minutes that changed after they had closed."""
        return [
            self._named(of_minute(self.ring, minute, series, STEPS[self.series.vital[series]]), series, minute, now)
            for minute, series in self.minutes.take_closed(now, self.axis.of(partition))
        ]

    def history(self, series: Ints, now: int) -> tuple[Ints, Ints, Cells]:
        return self.ring.history(series, now)

    def forget(self, partition: int, member: Bools, old: int, now: int) -> None:
        """Forget as :meth:`SeriesStore.forget`: nothing of the ring is known any more; minutes that were to be rolled up are
        named late.
        """
        super().forget(partition, member, old, now)
        columns = self.axis.of(partition)
        self.older.clear(member)
        for minute, series in self.minutes.take_all(old, columns):
            self._name_late(now, series, np.full(len(series), minute))
        self.ring.clear(columns)
        if self.windows is not None:
            self.windows.clear(columns)
        self.closed.forget(partition, now)
        self.know_nothing(partition, old)

    def know_nothing(self, partition: int, until: int) -> None:
        """Do not rely on the ring for what was measured until the clock stood at second ``until``, and a little ahead."""
        reach = until + AHEAD + LONGEST + 1
        self.exact_from[partition] = max(reach, int(self.exact_from[partition]))

    def put_back(self, partition: int, now: int, cells: Cells) -> None:
        """Fill the ring of a partition, whose clock stands in second ``now``, with the cells that a snapshot carried."""
        self.ring.cells[:, self.axis.of(partition)] = cells
        self.reopen(partition, now)

    def reopen(self, partition: int, now: int) -> None:
        """Schedule the samples ahead of the clock in a ring that was filled."""
        columns = self.axis.of(partition)
        if self.windows is not None:
            self.windows.recompute(columns, now)
        seconds = np.arange(now + 1, now + AHEAD + 1)
        ahead, column = np.nonzero(self.ring.cells[seconds % ROWS, columns] >= OK)
        self._expect(column + columns.start, seconds[ahead], now)

    def _name_late(self, now: int, column: Ints, minute: Ints) -> None:
        """Name minutes late, each one of a series once: a home's backlog has many samples of each."""
        named = distinct_minutes(column, minute)
        self.late.put(now, *named, np.zeros(len(named[0]), np.int32))

    def _expect(self, column: Ints, second: Ints, now: int) -> None:
        """Schedule those of usable samples that are ahead of second ``now``."""
        if column.size and second.max() > now:
            later = second > now
            self.ahead.put_each(second[later], column[later], second[later], np.zeros(int(later.sum()), np.int32))
