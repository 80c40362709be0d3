"""The last day of a score: of each hour how many minutes had one, and their sum; counted while a rule asks for it."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from alerts.rules.scheduled import Scheduled
from streams.engine.columns.arrays import Cells, Ints, Small
from streams.engine.columns.axis import array

LENGTH: Final = 24


class ScoreState(Scheduled):
    """Per patient: ``n`` uint8 and ``total`` uint16 [hour % LENGTH]; ``last`` int32: the newest hour, -1: none is counted.
    ``level`` int8 [kind]: the priority of what stands; ``begun`` int32: the mean in 1/256 at which a rise began.
    """

    n: npt.NDArray[np.uint8] = array(np.uint8, lead=(LENGTH,))
    total: npt.NDArray[np.uint16] = array(np.uint16, lead=(LENGTH,))
    last: Cells = array(np.int32, -1)
    level: Small = array(np.int8, lead=(4,))
    begun: Cells = array(np.int32)

    def enter(self, rows: slice, minute: int, score: Small) -> None:
        """A minute of the clock ends with these scores int8 [rows], -1: none."""
        hour, last = minute // 60, self.last[rows]
        gap = np.where(last < 0, LENGTH, np.clip(hour - last, 0, LENGTH))
        for back in range(int(gap.max(initial=0))):
            here = np.flatnonzero(gap > back) + rows.start
            self.n[(hour - back) % LENGTH, here] = self.total[(hour - back) % LENGTH, here] = 0
        there = score >= 0
        self.n[hour % LENGTH, rows] += there
        self.total[hour % LENGTH, rows] += np.where(there, score, 0).astype(np.uint16)
        self.last[rows] = hour

    def set_back(self, rows: slice, now: int) -> None:
        """Forget the hours from that of second ``now`` on, to which the clock was set back."""
        hour = now // 3600
        for row in np.flatnonzero(self.last[rows] >= hour).tolist():
            at = rows.start + row
            for each in range(hour, min(int(self.last[at]), hour + LENGTH - 1) + 1):
                self.n[each % LENGTH, at] = self.total[each % LENGTH, at] = 0
            self.last[at] = hour

    def window(self, rows: Ints, hours: int, hour: int) -> tuple[Ints, Ints]:
        """(minutes with a score, their sum) int64 [n] of the hours up to ``hour``."""
        each = (hour - np.arange(hours))[:, None]
        known = (self.last[rows] >= 0) & (each > self.last[rows] - LENGTH) & (each <= self.last[rows])
        n, total = self.n[each % LENGTH, rows], self.total[each % LENGTH, rows]
        return np.where(known, n, 0).sum(0, dtype=np.int64), np.where(known, total, 0).sum(0, dtype=np.int64)
