"""The newest value of each series."""

from __future__ import annotations

from typing import Final

import numpy as np

from streams.engine.columns.arrays import Cells, Ints, marked
from streams.engine.columns.axis import Columns, array

NEVER: Final = 1 << 40
"""A second that does not come; its negative has never been."""


class Newest(Columns):
    """The newest usable second of each series by measured time: ``second`` int64, its ``value`` int32 (fixed point) and
    ``ms`` int32 within the second; ``expires`` int64: active second (see :mod:`streams.engine.timeline`) from which it is
    too old.
    """

    second: Ints = array(np.int64, -NEVER)
    value: Cells = array(np.int32)
    ms: Cells = array(np.int32)
    expires: Ints = array(np.int64, -NEVER)

    def learn(self, column: Ints, second: Ints, cell: Cells, expires: Ints) -> None:
        """Take in usable seconds, all [n], those of a series ascending."""
        current = marked(second >= self.second[column])
        column, cell = column[current], cell[current]
        self.second[column] = second[current]  # the last one of a series stays
        self.value[column] = cell & 0x7FFF
        self.ms[column] = (cell >> 16) - 1
        self.expires[column] = np.maximum(self.expires[column], expires[current])
