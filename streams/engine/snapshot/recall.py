"""Stored readings as a partition's ring needs them again: by row, and what each vital had there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from devices.sample import Status
from streams.engine.columns.arrays import NO_INTS, Bools, Bytes, Ints
from streams.engine.columns.keyed_axis import keys
from streams.engine.series.layout import Layout
from streams.engine.series.ring import AHEAD, LONGEST, cells_of
from streams.engine.series.rollup import usable


@dataclass(frozen=True, slots=True)
class Values:
    """Of one vital: ``row`` int64 [m] says in which rows, ``value`` float32 [m] and ``status`` uint8 [m] what."""

    row: Ints
    value: npt.NDArray[np.float32]
    status: Bytes


@dataclass(frozen=True, slots=True)
class Recall:
    """Readings of a partition's patients with ``at_offset`` below a snapshot's and measured since
    :func:`streams.engine.snapshot.snapshot.recalled`: integers [k] ``patient``, ``device`` and ``time`` (int64, ms), and the
    ``values`` of continuous vitals by code.
    """

    patient: npt.NDArray[np.integer[Any]] = field(default_factory=lambda: NO_INTS)
    device: npt.NDArray[np.integer[Any]] = field(default_factory=lambda: NO_INTS)
    time: Ints = field(default_factory=lambda: NO_INTS)
    values: Mapping[int, Values] = field(default_factory=dict)


def refill(layout: Layout, partition: int, now: int, recall: Recall) -> None:
    """Fill the empty ring of a partition, whose clock stands in second ``now``."""
    dense = layout.dense
    sender = layout.senders.find_in(partition, keys(recall.patient, recall.device))
    second = recall.time // 1000
    millisecond = recall.time - second * 1000
    there = (sender >= 0) & (second > now - LONGEST) & (second <= now + AHEAD)
    whole = bool(there.all())
    for vital, of in recall.values.items():
        row, value, status = of.row, of.value, of.status
        within = layout.where.column[vital][sender[row]]
        wanted: Bools = (within >= 0) & (status != Status.CLOCK_UNSURE)
        if not whole:
            wanted &= there[row]
        if not wanted.all():
            row, value, status, within = row[wanted], value[wanted], status[wanted], within[wanted]
        if not row.size:
            continue
        fixed, good = usable(value, vital, status)
        dense.ring.write(within + dense.axis.start[partition], second[row], cells_of(fixed, good, millisecond[row]))
    dense.reopen(partition, now)
