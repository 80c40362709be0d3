"""Stored samples as a ring gets them again, and the reverse."""

from __future__ import annotations

import numpy as np

from devices.sample import Samples
from streams.engine.columns.arrays import Ints
from streams.engine.series.series import CONTINUOUS
from streams.engine.snapshot.recall import Recall, Values


def recall_of(samples: Samples, patient: Ints, device: Ints) -> Recall:
    """The recall of stored samples, SAMPLE [k], of int64 [k] patients and devices."""
    vitals = [int(vital) for vital in np.unique(samples["vital"]) if CONTINUOUS[vital]]
    rows = {vital: np.flatnonzero(samples["vital"] == vital) for vital in vitals}
    return Recall(patient, device, samples["time"].copy(), {
        vital: Values(row, samples["value"][row], samples["status"][row]) for vital, row in rows.items()
    })  # fmt: skip


def samples_of(recall: Recall) -> list[tuple[float, ...]]:
    """The reverse: (vital, patient, device, time, status, value), sorted; NaN as -1."""
    found: list[tuple[float, ...]] = []
    for vital, of in recall.values.items():
        names = (column[of.row].tolist() for column in (recall.patient, recall.device, recall.time))
        rows = zip(*names, of.status.tolist(), np.nan_to_num(of.value, nan=-1.0).tolist(), strict=True)
        found += [(vital, *row) for row in rows]
    return sorted(found)
