"""The hours of the last day of continuous series, as sums: for the windows of 4 and 24 hours.

They are counted from the second on from which a rule asks for them.  As of all long windows the current hour counts with
what has passed of it, so a window of 4 hours is between 3 h 1 min and 4 h long.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from streams.engine.columns.arrays import Cells, Ints
from streams.engine.columns.axis import Columns, array
from streams.engine.series.closed import Closed, ClosedMinutes

LENGTH: Final = 24


class HourSums(Columns):
    """Per series: ``n`` uint16 and ``total`` int32 [hour % LENGTH]: seconds with a value, and their sum in fixed point;
    ``last`` int32: the newest hour, -1: none is counted.
    """

    n: npt.NDArray[np.uint16] = array(np.uint16, lead=(LENGTH,))
    total: Cells = array(np.int32, lead=(LENGTH,))
    last: Cells = array(np.int32, -1)

    def enter(self, closed: Closed, partition: int) -> None:
        """The minute of a partition that has just closed joins its hour."""
        columns, minute = closed.axis.of(partition), int(closed.minute[partition])
        hour, row = minute // 60, minute % ClosedMinutes.LENGTH
        last = self.last[columns]
        gap = np.where(last < 0, LENGTH, np.clip(hour - last, 0, LENGTH))
        for back in range(int(gap.max(initial=0))):
            here = np.flatnonzero(gap > back) + columns.start
            self.n[(hour - back) % LENGTH, here] = self.total[(hour - back) % LENGTH, here] = 0
        self.n[hour % LENGTH, columns] += closed.minutes.n[row, columns]
        self.total[hour % LENGTH, columns] += closed.minutes.sum[row, columns]
        self.last[columns] = hour

    def set_back(self, closed: Closed, partition: int) -> None:
        """Forget what came after the last minute that is left; its hour is added up again from its remaining minutes."""
        columns, minute = closed.axis.of(partition), int(closed.minute[partition])
        hour = minute // 60
        later = np.flatnonzero(self.last[columns] >= hour) + columns.start
        for each in range(hour, hour + LENGTH):
            here = later[self.last[later] >= each]
            self.n[each % LENGTH, here] = self.total[each % LENGTH, here] = 0
        self.last[later] = hour
        for each in range(hour * 60, minute + 1):
            row = each % ClosedMinutes.LENGTH
            self.n[hour % LENGTH, later] += closed.minutes.n[row, later]
            self.total[hour % LENGTH, later] += closed.minutes.sum[row, later]

    def window(self, hours: int, newest: int, column: Ints) -> tuple[Ints, Ints]:
        """(n, total) int64 [hours, k] of the hours up to ``newest`` of some series."""
        rows = ((newest - np.arange(hours)) % LENGTH)[:, None]
        known = (self.last[column] >= 0) & (newest - np.arange(hours)[:, None] > self.last[column] - LENGTH)
        known &= newest - np.arange(hours)[:, None] <= self.last[column]
        n, total = self.n[rows, column].astype(np.int64), self.total[rows, column].astype(np.int64)
        return np.where(known, n, 0), np.where(known, total, 0)
