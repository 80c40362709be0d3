"""Column layout: which column belongs to which sender, link, patient and series.

A series is (patient, vital, device).  A sample finds its series by its record's sender (patient, device): one search a
record, then one lookup a sample in ``where.column[vital, sender]``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from devices.vitals import VITALS
from devices.wire.batch import PARTITIONS
from devices.wire.control import Enrolment
from streams.engine.columns.arrays import Bools, Bytes, Cells, Ints
from streams.engine.columns.axis import Axis, Columns, array
from streams.engine.columns.keyed_axis import KeyedAxis, keys
from streams.engine.series.dense import DenseSeries
from streams.engine.series.series import CONTINUOUS, VALIDITY
from streams.engine.series.series_store import SeriesStore
from streams.engine.series.sparse import SparseSeries

_CODES: Final = max(VITALS) + 1
LONGEST_INTERVAL: Final = 30 * 86_400
"""s: an interval beyond it counts as this; nothing older is accepted."""
_INTERVALS: Final = 2
"""The intervals of its device for which a value is valid at least."""


class Where(Columns):
    """``column`` int32 [vital, sender]: the column of the series within its partition's slice, on the axis of the vital, or
    -1.  ``patient`` int32 [sender]: the patient's column within the partition's slice.  ``interval`` int64 [sender]: how
    often the device reports by itself in s, 0: when somebody measures.
    """

    column: Cells = array(np.int32, -1, (_CODES,))
    patient: Cells = array(np.int32, -1)
    interval: Ints = array(np.int64)


class Layout:
    """``senders`` (patient, device), ``links`` (patient, gateway) and ``patients``; the axes of series are those of
    ``dense`` and ``sparse``.  ``axes``: all five by name.  ``held`` bool [PARTITIONS].
    """

    def __init__(self) -> None:
        self.senders = KeyedAxis()
        self.links = KeyedAxis()
        self.patients = KeyedAxis()
        self.where = Where(self.senders, "where")
        self.dense = DenseSeries()
        self.sparse = SparseSeries()
        self.series_stores = (self.dense, self.sparse)
        self.axes: dict[str, Axis] = {
            "senders": self.senders,
            "links": self.links,
            "patients": self.patients,
            "dense": self.dense.axis,
            "sparse": self.sparse.axis,
        }
        self.held: Bools = np.zeros(PARTITIONS, np.bool_)
        self._listeners: list[Callable[[DenseSeries | SparseSeries, Ints], None]] = []

    def on_series(self, listener: Callable[[DenseSeries | SparseSeries, Ints], None]) -> None:
        """Call ``listener(dense or sparse, columns)`` for series that are new."""
        self._listeners.append(listener)

    def expect(self, partitions: int) -> None:
        """Announce how many partitions will be held."""
        for axis in self.axes.values():
            axis.expected = partitions

    def ensure_sender(self, patient: int, device: int) -> int:
        """The column of a sender; takes one where there is none."""
        found = self.senders.at(patient, device)
        if found < 0:
            row = self.patients.ensure(patient)
            found = self.senders.ensure(patient, device)
            self.where.patient[found] = row - self.patients.start[self.senders.owner[found]]
        return found

    def set_intervals(self, patient: int, enrolment: Enrolment) -> None:
        """Take the intervals of a patient's devices; of several enrolments of one device the last one counts."""
        for one in sorted(enrolment.devices, key=lambda each: each.since):
            sender = self.senders.at(patient, one.device)
            if sender < 0:
                continue
            interval = min(max(one.interval_s, 0), LONGEST_INTERVAL)
            self.where.interval[sender] = interval
            owner = self.senders.owner[sender]
            for vital, within in enumerate(self.where.column[:, sender].tolist()):
                if within >= 0:
                    store = self.dense if CONTINUOUS[vital] else self.sparse
                    column = int(store.axis.start[owner]) + within
                    store.series.validity[column] = max(int(VALIDITY[vital]), _INTERVALS * interval)

    def senders_of(self, store: SeriesStore, column: Ints) -> Ints:
        """Columns int64 [n] of the senders of series int64 [n]."""
        return self.senders.find(keys(store.series.patient[column], store.series.device[column]))

    def patient_of(self, series: SeriesStore, column: Ints) -> Ints:
        """Columns int64 [n] of the patients of series int64 [n]."""
        columns: Ints = self.patients.start[series.axis.owner[column]] + series.series.person[column]
        return columns

    def series(self, sender: Ints, vital: Bytes) -> Ints:
        """Columns int64 [n] of the series of sender int64 [n] and vital uint8 [n], on the axis of each vital; takes
        columns where there are none.
        """
        within = self.where.column[vital, sender]
        missing = within < 0
        if missing.any():
            self._enter(np.unique(sender[missing] << 8 | vital[missing]))
            within = self.where.column[vital, sender]
        owner = self.senders.owner[sender]
        start = np.where(CONTINUOUS[vital], self.dense.axis.start[owner], self.sparse.axis.start[owner])
        columns: Ints = np.add(start, within, dtype=np.int64)
        return columns

    def _enter(self, new: Ints) -> None:
        sender, vital = new >> 8, (new & 0xFF).astype(np.uint8)
        order = np.argsort(self.senders.owner[sender], kind="stable")
        sender, vital = sender[order], vital[order]
        for series, mine in ((self.dense, CONTINUOUS[vital]), (self.sparse, ~CONTINUOUS[vital])):
            if mine.any():
                owner = self.senders.owner[sender[mine]].astype(np.int64)
                columns = series.axis.add(owner)
                self.where.column[vital[mine], sender[mine]] = columns - series.axis.start[owner]
                series.series.patient[columns] = self.senders.people(sender[mine])
                series.series.device[columns] = self.senders.others(sender[mine])
                series.series.vital[columns] = vital[mine]
                series.series.person[columns] = self.where.patient[sender[mine]]
                intervals = _INTERVALS * self.where.interval[sender[mine]]
                series.series.validity[columns] = np.maximum(VALIDITY[vital[mine]], intervals)
                for listener in self._listeners:
                    listener(series, columns)

    def drop(self, partition: int) -> None:
        """Forget one partition."""
        for axis in self.axes.values():
            axis.drop(partition)
        self.held[partition], self.dense.exact_from[partition], self.dense.closed.minute[partition] = False, 0, -1
