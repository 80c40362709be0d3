"""The newest sample of each series, for the table ``latest``: of any status, but never of unsure time."""

from __future__ import annotations

import numpy as np

from devices.sample import Samples
from streams.engine.columns.arrays import Bytes, Ints, Rows, distinct, ends
from streams.engine.columns.axis import Columns, array
from streams.engine.series.newest import NEVER
from streams.engine.series.series import Series
from streams.engine.writes import LATEST


class Latest(Columns):
    """``time`` int64 ms: the newest sample of each series that was returned so far."""

    time: Ints = array(np.int64, -NEVER)

    def __init__(self, series: Series) -> None:
        super().__init__(series.axis, "latest")
        self._series = series

    def rows(self, column: Ints, samples: Samples, status: Bytes, arrived: Ints) -> Rows:
        """LATEST of the series (column int64 [n], of samples [n]) that have a newer sample than ever before."""
        time, series = samples["time"], self._series
        before = self.time[column]
        np.maximum.at(self.time, column, time)
        newest = np.flatnonzero((time == self.time[column]) & (time > before))
        found = column[newest]
        if len(distinct(found, self.axis.width)) < len(found):  # a reading sent twice: the first; two of device 0 at once
            order = np.lexsort((-arrived[newest], samples["value"][newest], -status[newest].astype(np.int64), found))
            newest = newest[order]
            newest = newest[ends(column[newest])]
            found = column[newest]
        out = np.empty(len(found), LATEST)
        for name in ("patient", "vital", "device"):
            out[name] = getattr(series, name)[found]
        out["time"], out["value"], out["status"] = time[newest], samples["value"][newest], status[newest]
        out["arrived"] = arrived[newest]
        return out
