"""Jumps that no body makes: a first value far from the one before it is an artefact until the next one agrees.

Pure; one for each device.  The sizes are this project's own choice: twice the largest change between two seconds that the
BIDMC recordings show at rest, so a real change passes, and a true jump costs one second.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from devices.sample import Samples, Status
from devices.vitals import Vital

_MOST: Final[Mapping[int, float]] = {Vital.SPO2: 12.0, Vital.HEART_RATE: 50.0, Vital.PULSE_RATE: 50.0}
"""The largest change between two values of a moment, in the vital's unit."""
_MOMENT_MS: Final = 3000


class Jumps:
    """Remembers the last value of each continuous vital of one device."""

    def __init__(self) -> None:
        self._last: dict[int, tuple[int, float]] = {}

    def mark(self, samples: Samples, at: int) -> None:
        """Set status ARTEFACT, in place, on OK values that jump from the one less than 3 s before; ``at`` in ms."""
        for place in np.flatnonzero(samples["status"] == Status.OK):
            vital, value = int(samples["vital"][place]), float(samples["value"][place])
            most = _MOST.get(vital)
            if most is None:
                continue
            before = self._last.get(vital)
            self._last[vital] = at, value
            if before is not None and 0 <= at - before[0] < _MOMENT_MS and abs(value - before[1]) > most:
                samples["status"][place] = Status.ARTEFACT
