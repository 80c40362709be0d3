"""A stay: everything that was measured of one patient of a data set, and what happened to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from devices.wire.control import Control

MEASURED: Final = np.dtype([("second", "<i8"), ("vital", "u1"), ("value", "<f4")])
"""``second`` since the begin of the stay, ``value`` in the vital's unit."""


@dataclass(frozen=True, slots=True)
class Stay:
    """``measured`` in order of time; ``end_s``: its length; ``event_s``: when what rules should have called before happened;
    ``interval_s``: how often its values come, 0: when somebody measures; ``intervals``: of single vitals, by code.
    ``origin_s``: the second of the day (UTC) in which it begins.  ``controls``: what else is known of the patient, in place
    of a date of birth alone.
    """

    name: str
    measured: npt.NDArray[np.void]
    end_s: int
    event_s: int | None = None
    born: str = "1950-01-01"
    interval_s: int = 1
    intervals: Mapping[int, int] = field(default_factory=dict)
    origin_s: int = 0
    controls: tuple[Control, ...] = ()
