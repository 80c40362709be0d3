"""Tables whose columns are looked at again at a second of their own."""

from __future__ import annotations

import numpy as np

from streams.engine.columns.arrays import Ints
from streams.engine.columns.axis import Columns, array
from streams.engine.series.newest import NEVER
from streams.engine.stage import Moment


class Scheduled(Columns):
    """``next_due`` int64: the clock's second from which each column has to be looked at; it stays due until it is moved."""

    next_due: Ints = array(np.int64, NEVER)

    def due(self, moment: Moment) -> Ints:
        """The columns int64 [k] of the moment's partitions that are due."""
        columns, mask = self.axis.span(moment.partitions, moment.member)
        due = self.next_due[columns] <= moment.now
        if mask is not None:
            due &= mask
        found: Ints = np.flatnonzero(due) + columns.start
        return found
