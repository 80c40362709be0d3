"""A sample: one measured value, from the decoder to the database in arrays of one dtype."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from devices.vitals import FIXED_MAX, VITALS

SAMPLE: Final = np.dtype(
    [
        ("time", "<i8"),  # measured, ms since the epoch, UTC, as best known when sealed; never changed after
        ("value", "<f4"),  # in the vital's UCUM unit; NaN only with a status other than OK
        ("vital", "u1"),  # devices.vitals.Vital
        ("status", "u1"),  # Status
        ("reading", "<u2"),  # offset of the reading in its batch
    ]
)
"""16 bytes, packed, little-endian: the sealed payload of a ``samples`` batch is an array of these."""

Samples = npt.NDArray[np.void]
"""A structured array of :data:`SAMPLE`, shape [n]."""


class Status(IntEnum):
    """The trust in a value: OK, or the reason why it may not be used as it stands.  Codes are append-only."""

    OK = 0
    ARTEFACT = 1
    POOR_CONTACT = 2
    SENSOR_OFF = 3
    OUT_OF_RANGE = 4
    NAN = 5
    NRES = 6
    POSITIVE_INFINITY = 7
    NEGATIVE_INFINITY = 8
    CLOCK_UNSURE = 9
    RESERVED = 10


STEPS: Final = np.ones(256, np.float64)
"""Fixed-point steps of one unit, by vital code."""
LOWEST: Final = np.full(256, np.inf)
HIGHEST: Final = np.full(256, -np.inf)
"""Plausible range by vital code; empty for an unknown vital."""
for _spec in VITALS.values():
    STEPS[_spec.vital] = _spec.steps
    LOWEST[_spec.vital], HIGHEST[_spec.vital] = _spec.plausible
    assert _spec.plausible[1] * _spec.steps <= FIXED_MAX, _spec.column


def mark_implausible(samples: Samples) -> None:
    """Set status ``OUT_OF_RANGE``, in place, on OK samples outside their vital's plausible range."""
    value, vital = samples["value"], samples["vital"]
    outside = (samples["status"] == Status.OK) & ~((value >= LOWEST[vital]) & (value <= HIGHEST[vital]))
    samples["status"][outside & ~np.isnan(value)] = Status.OUT_OF_RANGE
