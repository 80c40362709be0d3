"""The identity of series, and the properties of their vitals."""

from __future__ import annotations

from typing import Final

import numpy as np

from devices.vitals import VITALS
from streams.engine.columns.arrays import Bools, Bytes, Cells, Ints
from streams.engine.columns.axis import Columns, array

VALIDITY: Final[Ints] = np.zeros(256, np.int64)
"""s, by vital."""
CONTINUOUS: Final[Bools] = np.zeros(256, np.bool_)
"""True for a vital that is measured all the time, by vital."""
for _spec in VITALS.values():
    VALIDITY[_spec.vital], CONTINUOUS[_spec.vital] = _spec.validity_s, _spec.continuous


class Series(Columns):
    """The series of each column: ``patient``, ``device`` int32, ``vital`` uint8 (0: a spare column); ``person`` int32: the
    patient's column within the partition's slice of that axis.  ``validity`` int64 s: how long after its measurement a value
    may decide: that of its vital, and at least two intervals of its device.
    """

    patient: Cells = array(np.int32)
    device: Cells = array(np.int32)
    vital: Bytes = array(np.uint8)
    person: Cells = array(np.int32)
    validity: Ints = array(np.int64)
