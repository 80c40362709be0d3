"""The newest sample of each series, as it stands in the table ``latest``: whatever its status, but never of unsure time."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from devices.sample import Samples
from streams.engine.columns.arrays import Bytes, Ints, Rows, distinct
from streams.engine.columns.axis import Axis, Columns, Field
from streams.engine.series.updates import NEVER, Series
from streams.engine.writes import LATEST


class Latest(Columns):
    """``time`` int64 ms: the newest sample handed out so far."""

    FIELDS: ClassVar = {"time": Field(np.int64, -NEVER)}
    time: Ints

    def __init__(self, axis: Axis) -> None:
        super().__init__(axis, "latest")

    def rows(self, series: Series, column: Ints, samples: Samples, status: Bytes, arrived: Ints) -> Rows:
        """LATEST of the series (column int64 [n], of samples [n]) that have a newer sample than ever before."""
        time = samples["time"]
        before = self.time[column]
        if not (time > before).any():
            return np.empty(0, LATEST)
        np.maximum.at(self.time, column, time)
        newest = np.flatnonzero((time == self.time[column]) & (time > before))
        found = column[newest]
        if len(distinct(found, self.axis.width)) < len(found):  # a reading sent twice: the first; two of device 0 at once
            order = np.lexsort((-arrived[newest], samples["value"][newest], -status[newest].astype(np.int64), found))
            newest, found = newest[order], found[order]
            newest = newest[np.append(found[1:] != found[:-1], True)]
            found = column[newest]
        out = np.empty(len(found), LATEST)
        out["patient"], out["vital"], out["device"] = series.patient[found], series.vital[found], series.device[found]
        out["time"], out["value"], out["status"] = time[newest], samples["value"][newest], status[newest]
        out["arrived"] = arrived[newest]
        return out
