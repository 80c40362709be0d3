"""A round: the opened records of one or more partitions, as columns: the input of the engine."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from devices.sample import SAMPLE, Samples
from devices.wire.control import Control
from devices.wire.event import Event
from streams.engine.columns.arrays import NO_CELLS, Cells, Rows

RECORD: Final = np.dtype(
    [
        ("partition", "<i4"),
        ("offset", "<i8"),
        ("append", "<i8"),  # LogAppendTime, ms
        ("kind", "u1"),  # devices.wire.batch.Kind; 0: the record was refused when opened
        ("lane", "u1"),
        ("clock", "u1"),  # devices.wire.batch.ClockQuality
        ("count", "<u2"),
        ("key", "<u4"),
        ("patient", "<u4"),
        ("device", "<u4"),
        ("gateway", "<u4"),
        ("first", "<u8"),
        ("received", "<i8"),
        ("epoch", "<u4"),
    ]
)


@dataclass(frozen=True, slots=True)
class Rejection:
    """``record``: position in the round; ``reading``: offset in the batch, -1 for the whole record."""

    record: int
    reading: int
    reason: str


@dataclass(frozen=True, slots=True)
class Round:
    """``records`` RECORD [n], each partition's together and in offset order; every record of the log is there, refused
    and clock records too, because its append time moves the clock.  ``samples`` SAMPLE [m] of all opened batches,
    ``record`` int32 [m] the position of each one's record, ascending.  ``events`` and ``controls`` are (position of the
    record, payload), ascending.  ``rejected``: refused by opening.
    """

    records: Rows
    samples: Samples = field(default_factory=lambda: np.empty(0, SAMPLE))
    record: Cells = field(default_factory=lambda: NO_CELLS)
    events: list[tuple[int, Event]] = field(default_factory=list)
    controls: list[tuple[int, Control]] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)
