"""The output of the engine: all that one round writes to the store, as columns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from devices.wire.control import Control
from devices.wire.event import Event
from streams.engine.columns.arrays import Bools, Bytes, Rows
from streams.engine.condition import Condition
from streams.engine.round import Rejection, Round

SERIES: Final = [("patient", "<i4"), ("vital", "<i2"), ("device", "<i4")]

ROLLUP: Final = np.dtype(
    [
        *SERIES,
        ("partition", "<i4"),
        ("minute", "<i8"),  # unix minute
        ("n", "<i4"),
        ("mean", "<f8"),  # NaN where n is 0, like min, max, first, last; std NaN where n < 2, slope NaN where undefined
        ("min", "<f4"),
        ("max", "<f4"),
        ("first", "<f4"),
        ("last", "<f4"),
        ("std", "<f8"),
        ("slope", "<f8"),  # units a second
        ("poor", "<i4"),
        ("second", "<i8"),  # the clock's second at which it was computed
        ("offset", "<i8"),  # of the first record that stands in that second or later: only records before it count
    ]
)
LATE: Final = np.dtype([*SERIES, ("partition", "<i4"), ("minute", "<i8"), ("second", "<i8"), ("offset", "<i8")])
"""Minutes older than the ring that changed: the store recomputes them from readings stored of records before ``offset``, in
the same transaction; ``second`` and ``offset`` as of :data:`ROLLUP`."""
LATEST: Final = np.dtype([*SERIES, ("time", "<i8"), ("value", "<f4"), ("status", "<i2"), ("arrived", "<i8")])


@dataclass(frozen=True, slots=True)
class Writes:
    """``accepted`` bool [m] and ``status`` uint8 [m] of ``round.samples``: the accepted ones are stored, with this status (a
    sample ahead of the clock becomes ``CLOCK_UNSURE``).  ``events`` and ``controls``: (position of the record, payload) that
    took effect.  ``quarantined``: (position of the record, reason).  ``rejected`` includes the refusals of opening.
    ``conditions`` are in order of (partition, second).
    """

    round: Round
    accepted: Bools
    status: Bytes
    rollups: Rows  # ROLLUP
    late: Rows  # LATE
    latest: Rows  # LATEST, one a series, newest
    events: list[tuple[int, Event]] = field(default_factory=list)
    controls: list[tuple[int, Control]] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)
    quarantined: list[tuple[int, str]] = field(default_factory=list)
    conditions: list[Condition] = field(default_factory=list)
