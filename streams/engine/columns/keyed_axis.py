"""An axis whose entries are found by two numbers: a patient and something of that patient."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from devices.wire.batch import partition_of
from streams.engine.columns.arrays import Ints, starts
from streams.engine.columns.axis import Axis, Columns, array

Keys = npt.NDArray[np.uint64]


def keys(patient: npt.NDArray[np.integer[Any]], other: npt.NDArray[np.integer[Any]]) -> Keys:
    """uint64 [n] of patient and other (int [n], below 2**32)."""
    found: Keys = patient.astype(np.uint64) << np.uint64(32) | other.astype(np.uint64)
    return found


def key(patient: int, other: int) -> int:
    """The key of one entry."""
    return patient << 32 | other


class Named(Columns):
    """``key`` uint64: the key of each column, 0 for a spare one."""

    key: Keys = array(np.uint64)


class KeyedAxis(Axis):
    """Entries (patient, other), patient > 0."""

    def __init__(self) -> None:
        super().__init__()
        self.names = Named(self, "name")
        self._column: dict[int, int] = {}  # key -> column within its partition's slice
        self._sorted: tuple[Keys, Ints] | None = None
        self.on_move(lambda _moved: self._forget_order())

    def _forget_order(self) -> None:
        self._sorted = None

    def at(self, patient: int, other: int = 0) -> int:
        """The column of one entry, -1 where there is none."""
        within = self._column.get(key(patient, other), -1)
        return within if within < 0 else int(self.start[partition_of(patient)]) + within

    def ensure(self, patient: int, other: int = 0) -> int:
        """The column of one entry; takes one where there is none."""
        found = self.at(patient, other)
        if found >= 0:
            return found
        partition, name = partition_of(patient), key(patient, other)
        column = self.add_one(partition)
        self.names.key[column] = name
        self._column[name] = column - int(self.start[partition])
        self._forget_order()
        return column

    def find(self, wanted: Keys) -> Ints:
        """Columns int64 [n] of keys uint64 [n], -1 where there is none."""
        return _search(*self._in_order(), wanted)

    def find_in(self, partition: int, wanted: Keys) -> Ints:
        """Columns int64 [n] as :meth:`find`, in one partition: the others' keys are not sorted.  Searches once for equal
        keys in a row.
        """
        columns = self.of(partition)
        order = np.argsort(self.names.key[columns]) + columns.start
        first = np.flatnonzero(starts(wanted))
        found: Ints = np.repeat(_search(self.names.key[order], order, wanted[first]), np.diff(first, append=len(wanted)))
        return found

    def drop(self, partition: int) -> None:
        for name in self.names.key[self.of(partition)].tolist():
            self._column.pop(name, None)
        super().drop(partition)

    def unpack(self, partition: int, packed: Mapping[str, Mapping[str, npt.NDArray[Any]]]) -> None:
        super().unpack(partition, packed)
        names = self.names.key[self.of(partition)].tolist()
        self._column.update(zip(names, range(len(names)), strict=True))
        self._forget_order()

    def of_patient(self, patient: int) -> Ints:
        """The columns int64 of one patient, ascending."""
        names, columns = self._in_order()
        first, end = np.searchsorted(names, np.array([key(patient, 0), key(patient + 1, 0)], np.uint64))
        found: Ints = np.sort(columns[first:end])
        return found

    def _in_order(self) -> tuple[Keys, Ints]:
        """The keys, ascending, and their columns."""
        if self._sorted is None:
            taken = np.flatnonzero(self.names.key)
            order = np.argsort(self.names.key[taken])
            self._sorted = self.names.key[taken[order]], taken[order]
        return self._sorted

    def people(self, columns: slice | Ints) -> Ints:
        """Patients int64 of columns."""
        return (self.names.key[columns] >> np.uint64(32)).astype(np.int64)

    def others(self, columns: slice | Ints) -> Ints:
        """The second number int64 of columns."""
        return (self.names.key[columns] & np.uint64(0xFFFFFFFF)).astype(np.int64)


def _search(names: Keys, columns: Ints, wanted: Keys) -> Ints:
    """``columns`` int64 [n] of ``wanted`` among the ascending ``names``, -1 where there is none."""
    if not len(names):
        return np.full(len(wanted), -1, np.int64)
    place = np.searchsorted(names, wanted)
    place[place == len(names)] = 0
    found: Ints = np.where(names[place] == wanted, columns[place], -1)
    return found
