"""Who stands where: the axes of all arrays of the engine, and how a sample finds its series.

A series is (patient, vital, device).  Samples are looked up by their record's sender (patient, device): one search a record,
then ``where[vital, sender]``, one gather a sample.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Final

import numpy as np

from devices.vitals import VITALS
from devices.wire.batch import PARTITIONS
from streams.engine.columns.arrays import Bools, Bytes, Cells, Ints
from streams.engine.columns.axis import Columns, Field
from streams.engine.columns.keyed_axis import KeyedAxis
from streams.engine.series.dense import DenseSeries
from streams.engine.series.sparse import SparseSeries
from streams.engine.series.updates import CONTINUOUS

_CODES: Final = max(VITALS) + 1


class Where(Columns):
    """``column`` int32 [vital, sender]: the series' column within its partition's slice (of the axis its vital says), or -1.
    ``patient`` int32 [sender]: the patient's column within the partition's slice.
    """

    FIELDS: ClassVar = {"column": Field(np.int32, -1, (_CODES,)), "patient": Field(np.int32, -1)}
    column: Cells
    patient: Cells


class Layout:
    """``senders`` (patient, device), ``links`` (patient, gateway) and ``patients``; the stores bring the axes of series."""

    def __init__(self) -> None:
        self.senders = KeyedAxis()
        self.links = KeyedAxis()
        self.patients = KeyedAxis()
        self.where = Where(self.senders, "where")
        self.dense = DenseSeries()
        self.sparse = SparseSeries()
        self.held: Bools = np.zeros(PARTITIONS, np.bool_)
        self._listeners: list[Callable[[DenseSeries | SparseSeries, Ints], None]] = []

    def on_series(self, listener: Callable[[DenseSeries | SparseSeries, Ints], None]) -> None:
        """``listener(store, columns)`` is called when series were seen for the first time."""
        self._listeners.append(listener)

    def axes(self) -> dict[str, KeyedAxis]:
        """The keyed axes by name."""
        return {"senders": self.senders, "links": self.links, "patients": self.patients}

    def expect(self, partitions: int) -> None:
        """So many partitions will be held before long."""
        for axis in (*self.axes().values(), self.dense.axis, self.sparse.axis):
            axis.expected = partitions

    def ensure_sender(self, patient: int, device: int) -> int:
        """The column of a sender, taken now where there was none."""
        found = self.senders.at(patient, device)
        if found < 0:
            row = self.patients.ensure(patient)
            found = self.senders.ensure(patient, device)
            self.where.patient[found] = row - self.patients.start[self.senders.owner[found]]
        return found

    def patient_of(self, store: DenseSeries | SparseSeries, column: Ints) -> Ints:
        """Columns int64 [n] of the patients of series int64 [n]."""
        columns: Ints = self.patients.start[store.axis.owner[column]] + store.series.person[column]
        return columns

    def series(self, sender: Ints, vital: Bytes) -> Ints:
        """Columns int64 [n] of the series of sender int64 [n] and vital uint8 [n], on the axis of each vital; taken now
        where there were none.
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
        both: tuple[tuple[DenseSeries | SparseSeries, Bools], ...]
        both = ((self.dense, CONTINUOUS[vital]), (self.sparse, ~CONTINUOUS[vital]))
        for store, mine in both:
            if mine.any():
                owner = self.senders.owner[sender[mine]].astype(np.int64)
                columns = store.axis.add(owner)
                self.where.column[vital[mine], sender[mine]] = columns - store.axis.start[owner]
                store.series.patient[columns] = self.senders.people(sender[mine])
                store.series.device[columns] = self.senders.others(sender[mine])
                store.series.vital[columns] = vital[mine]
                store.series.person[columns] = self.where.patient[sender[mine]]
                for listener in self._listeners:
                    listener(store, columns)

    def drop(self, partition: int) -> None:
        """Everything of one partition goes."""
        for axis in (self.senders, self.links, self.patients, self.dense.axis, self.sparse.axis):
            axis.drop(partition)
        self.held[partition], self.dense.exact_from[partition], self.dense.closed.minute[partition] = False, 0, -1
