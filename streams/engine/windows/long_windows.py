"""The windows of 1 h and 24 h: figures in the vital's unit, from the exact integers of closed cells.

The hour is the last 60 minutes that have entered (:mod:`streams.engine.series.closed`).  The day is the last 24 hours of
which the last minute's is one: 23 whole ones and what has passed of the current, so it is between 23 h 1 min and 24 h long.
Both move once a minute.

A slope takes the values of a cell as measured in its middle; a day's counts the current hour as a whole one.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from devices.sample import STEPS
from streams.engine.columns.arrays import Ints
from streams.engine.series.closed import Closed, Slots
from streams.engine.series.series import Series
from streams.engine.windows.windows import Figures, figures_of

HOUR: Final = 3600
DAY: Final = 86_400
_MINUTE: Final = 60


def exact(slots: Slots, newest: int, columns: slice) -> tuple[Ints, ...]:
    """Exact integers of all cells up to number ``newest``: n, sv, svv, st, stt, stv, min, max, poor (int64 [columns]).

    t counts cells from the newest one, so it is 0 or negative.  min and max of an empty window: 32767 and -1.
    """
    t = -((newest - np.arange(slots.LENGTH)) % slots.LENGTH)[:, None]
    n, v = slots.n[:, columns].astype(np.int64), slots.sum[:, columns].astype(np.int64)
    low, high = slots.low[:, columns].min(0).astype(np.int64), slots.high[:, columns].max(0).astype(np.int64)
    total, poor = n.sum(0), slots.poor[:, columns].sum(0, dtype=np.int64)
    vv = slots.squares[:, columns].sum(0, dtype=np.int64)
    return total, v.sum(0), vv, (n * t).sum(0), (n * (t * t)).sum(0), (v * t).sum(0), low, high, poor


class LongWindows:
    """Kept up only where a stage asks for them (:meth:`streams.engine.stage.View.long_windows`)."""

    def __init__(self, closed: Closed, series: Series) -> None:
        self.closed, self.series, self.hours = closed, series, closed.keep_hours()

    def figures(self, length: int, partition: int) -> Figures:
        """The window of ``HOUR`` or ``DAY`` of all series of a partition."""
        closed = self.closed
        columns, minute = closed.axis.of(partition), int(closed.minute[partition])
        slots: Slots
        if length == HOUR:
            slots, newest, each, seconds = closed.minutes, minute, _MINUTE, HOUR
        else:
            slots, newest, each, seconds = self.hours, minute // 60, HOUR, DAY - HOUR + (minute % 60 + 1) * _MINUTE
        # n vv is at most 86,400² x 32,767², just below 2**63
        return figures_of(exact(slots, newest, columns), STEPS[self.series.vital[columns]], seconds, each)
