"""The newest value of each series."""

from __future__ import annotations

from typing import ClassVar, Final

import numpy as np

from streams.engine.columns.arrays import Cells, Ints, marked
from streams.engine.columns.axis import Columns, Field

NEVER: Final = 1 << 40
"""A second that does not come; its negative has never been."""


class Newest(Columns):
    """The newest usable second of each series by measured time: ``second`` int64, its ``value`` int32 (fixed point) and
    ``ms`` int32 within the second; ``expires`` int64: active second (see :mod:`streams.engine.timeline`) from which it is
    too old.
    """

    FIELDS: ClassVar = {
        "second": Field(np.int64, -NEVER),
        "value": Field(np.int32, 0),
        "ms": Field(np.int32, 0),
        "expires": Field(np.int64, -NEVER),
    }
    second: Ints
    value: Cells
    ms: Cells
    expires: Ints

    def learn(self, column: Ints, second: Ints, cell: Cells, expires: Ints) -> None:
        """Take in usable seconds, all [n], those of a series ascending."""
        current = marked(second >= self.second[column])
        column, cell = column[current], cell[current]
        self.second[column] = second[current]  # the last one of a series stays
        self.value[column] = cell & 0x7FFF
        self.ms[column] = (cell >> 16) - 1
        self.expires[column] = np.maximum(self.expires[column], expires[current])
