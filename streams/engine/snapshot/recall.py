"""Stored readings that fill the ring of a partition again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from devices.sample import Status
from streams.engine.columns.arrays import NO_INTS, Bytes, Ints, marked
from streams.engine.columns.keyed_axis import keys
from streams.engine.series.layout import Layout
from streams.engine.series.ring import AHEAD, LONGEST, cells_of
from streams.engine.series.rollup import usable


@dataclass(frozen=True, slots=True)
class Values:
    """The values of one vital: ``row`` int64 [m] of the recall, ``value`` float32 [m] and ``status`` uint8 [m]."""

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
    for vital, values in recall.values.items():
        within = layout.where.column[vital][sender[values.row]]
        wanted = marked((within >= 0) & (values.status != Status.CLOCK_UNSURE) & there[values.row])
        row, column = values.row[wanted], within[wanted] + dense.axis.start[partition]
        if row.size:
            fixed, good = usable(values.value[wanted], vital, values.status[wanted])
            dense.ring.write(column, second[row], cells_of(fixed, good, millisecond[row]))
    dense.reopen(partition, now)
