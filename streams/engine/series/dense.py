"""The store of continuous vitals: the ring of seconds, the closed minutes, and those to roll up."""

from __future__ import annotations

import numpy as np

from devices.sample import STEPS
from devices.wire.batch import PARTITIONS
from streams.engine.columns.arrays import Bools, Bytes, Cells, Ints, Rows
from streams.engine.columns.axis import Axis
from streams.engine.series.closed import Closed
from streams.engine.series.due_later import DueLater
from streams.engine.series.ring import AHEAD, LONGEST, OK, ROWS, Ring
from streams.engine.series.rollup import DUE, Minutes, close_minute, next_due, of_minute
from streams.engine.series.updates import NEVER, Newest, Series, Updates, distinct_minutes, late_rows, updates_of
from streams.engine.windows.windows import Windows


class DenseSeries:
    """``ring``, ``closed`` and ``minutes`` have a column a series; ``newest`` is the newest usable second of each.

    ``exact_from`` int64 [PARTITIONS]: the second from which the ring holds all that is stored; before it, after the clock
    was set back, no minute is rolled up here, and a snapshot has to carry the ring.
    """

    def __init__(self) -> None:
        self.axis = Axis()
        self.series = Series(self.axis, "series")
        self.newest = Newest(self.axis, "newest")
        self.minutes = Minutes(self.axis, "minutes")
        self.ring = Ring(self.axis)
        self.closed = Closed(self.axis)
        self.changed = DueLater(self.axis)  # folded in a second, not yet evaluated; cells are looked up
        self.ahead = DueLater(self.axis)  # in the ring, but the clock has not reached them
        self.older = DueLater(self.axis)  # usable values from before the ring
        self.late = DueLater(self.axis)  # minutes that the store recomputes
        self.exact_from: Ints = np.zeros(PARTITIONS, np.int64)
        self.windows: Windows | None = None
        self._place = np.empty(0, np.int32)

    def keep_windows(self) -> Windows:
        """The windows over the ring, which are kept up from now on; to be asked for before there are any series."""
        if self.windows is None:
            if self.axis.width:
                raise RuntimeError("windows are asked for before the first series appears: in a stage's attach")
            self.windows = Windows(self.ring)
        return self.windows

    def fold(self, now: int, column: Ints, second: Ints, cell: Cells) -> None:
        """Samples of records that stand in second ``now``: column, second (measured) int64 [n], cell int32 [n]."""
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
        early = second < whole[self.axis.owner[column]]
        if not early.any():
            self.minutes.touch(column, second)
        else:
            self._name_late(now, column[early], second[early] // 60)
            self.minutes.touch(column[~early], second[~early])
        if not good.all():
            column, second = column[good], second[good]
        if column.size and second.max() > now:
            self._expect(column, second, now)
            seen = second <= now
            column, second = column[seen], second[seen]
        self.changed.put(now, column, second, np.zeros(len(column), np.int32))

    def turn(self, now: int, partitions: Ints, member: Bools | None, late: list[Rows], rollups: list[Rows]) -> Updates:
        """Second ``now`` begins for some partitions (int64, ascending; ``member`` as in
        :meth:`streams.engine.columns.axis.Axis.span`): windows move, rollups and late minutes are handed out; what became
        visible is returned, not yet learned.
        """
        columns, mask = self.axis.span(partitions, member)
        column, second, _ = self.changed.take(now - 1, member)
        if self.windows is not None:
            self.windows.begin(now, columns, mask)
        self.ring.forget(now - 1 - LONGEST, columns, mask)
        cell = self.ring.at(column, second)
        older, when, old_cell = self.older.take(now - 1, member)
        if older.size:
            new = when > self.newest.second[older]  # the rest decides nothing any more
            column = np.concatenate((column, older[new]))
            second, cell = np.concatenate((second, when[new])), np.concatenate((cell, old_cell[new]))
        if len(self._place) < self.axis.width:
            self._place = np.empty(self.axis.width, np.int32)
        updates = updates_of(self.newest, column, second, cell, self._place)
        far, minute, _ = self.late.take(now - 1, member)
        if far.size:
            late.append(late_rows(self.axis, self.series, far, minute, now))
        self.closed.entered.clear()
        rollups += [self._close(now, which, closing) for which, closing in self.closed.due(now, partitions)]
        for partition in partitions[DUE[partitions] == now % 60].tolist():
            rollups += self._rollups(now, partition)
        return updates

    def enter(self, now: int, member: Bools | None) -> None:
        """Second ``now`` has been evaluated: samples that were ahead of the clock join it, before any record of it does."""
        if now in self.ahead:
            entering = np.unique(self.ahead.take(now, member)[0])
            if self.windows is not None:
                self.windows.sums.enter(entering, now)
            self.changed.put(now, entering, np.full(len(entering), now), np.zeros(len(entering), np.int32))

    def _close(self, now: int, partition: int, minute: int) -> Rows:
        """A minute enters the windows of 1 h and 24 h; its rollups, where they are due, are of the same integers."""
        columns = self.axis.of(partition)
        changed = np.zeros(columns.stop - columns.start, np.bool_)
        if now % 60 == DUE[partition]:
            changed = self.minutes.take_minute(minute, columns)
        sums, rows = close_minute(self.ring, minute, columns, changed, STEPS[self.series.vital[columns]])
        self.closed.enter(partition, minute, sums)
        return self._sign(rows, np.flatnonzero(changed) + columns.start, now, partition)

    def _rollups(self, now: int, partition: int) -> list[Rows]:
        """Of the minutes that changed after they had closed."""
        out = []
        for minute, series in self.minutes.take_closed(now, self.axis.of(partition)):
            rows = of_minute(self.ring, minute, series, STEPS[self.series.vital[series]])
            out.append(self._sign(rows, series, now, partition))
        return out

    def _sign(self, rows: Rows, series: Ints, now: int, partition: int) -> Rows:
        for field in ("patient", "vital", "device"):
            rows[field] = getattr(self.series, field)[series]
        rows["partition"], rows["second"] = partition, now
        return rows

    def history(self, series: Ints, now: int) -> tuple[Ints, Ints, Cells]:
        return self.ring.history(series, now)

    def forget(self, partition: int, member: Bools, old: int, now: int) -> None:
        """The clock of a partition was set back from second ``old`` to ``now``: nothing of its ring is known;
        minutes that were waiting to be rolled up are named late, and the newest values count as measured now.
        """
        columns = self.axis.of(partition)
        for waiting in (self.changed, self.ahead, self.older):
            for at in waiting.times():
                waiting.take(at, member)
        for at in self.late.times():
            self.late.put(now, *self.late.take(at, member))
        for minute, series in self.minutes.take_all(old, columns):
            self._name_late(now, series, np.full(len(series), minute))
        self.ring.clear(columns)
        if self.windows is not None:
            self.windows.clear(columns)
        self.closed.forget(partition, now)
        self.know_nothing(partition, old)
        self.newest.second[columns] = np.minimum(self.newest.second[columns], now)

    def know_nothing(self, partition: int, until: int) -> None:
        """What was measured up to where the clock stood at second ``until``, and a little ahead, is not in the ring."""
        reach = until + AHEAD + LONGEST + 1
        self.exact_from[partition] = max(reach, int(self.exact_from[partition]))

    def put_back(self, partition: int, now: int, cells: Cells) -> None:
        """The ring of a partition, whose clock stands in second ``now``, is what a snapshot carried."""
        self.ring.cells[:, self.axis.of(partition)] = cells
        self.reopen(partition, now)

    def reopen(self, partition: int, now: int) -> None:
        """The ring of a partition was filled: what of it is ahead of the clock will be seen when the clock comes to it."""
        columns = self.axis.of(partition)
        if self.windows is not None:
            self.windows.recompute(columns, now)
        seconds = np.arange(now + 1, now + AHEAD + 1)
        ahead, column = np.nonzero(self.ring.cells[seconds % ROWS, columns] >= OK)
        self._expect(column + columns.start, seconds[ahead], now)

    def _name_late(self, now: int, column: Ints, minute: Ints) -> None:
        """Each minute of a series once: a home's backlog has many samples of each."""
        named = distinct_minutes(column, minute)
        self.late.put(now, *named, np.zeros(len(named[0]), np.int32))

    def _expect(self, column: Ints, second: Ints, now: int) -> None:
        """Of usable cells those ahead of second ``now`` join it when it comes to them."""
        if column.size and second.max() > now:
            later = second > now
            self.ahead.put_each(second[later], column[later], second[later], np.zeros(int(later.sum()), np.int32))


def vital_of(dense: DenseSeries, updates: Updates) -> Bytes:
    """uint8 [n]: the vital of each piece of updates."""
    vital: Bytes = dense.series.vital[updates.column]
    return vital
