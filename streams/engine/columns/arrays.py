"""Names for the array types the engine speaks in."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Cells = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]
Halves = npt.NDArray[np.uint16]
Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.void]


NO_INTS: Ints = np.empty(0, np.int64)
NO_CELLS: Cells = np.empty(0, np.int32)


def distinct(columns: Ints, width: int) -> Ints:
    """The different ones of some columns (int64 [n], below ``width``), ascending: ten times faster than ``np.unique``."""
    there = np.zeros(width, np.bool_)
    there[columns] = True
    return np.flatnonzero(there)
