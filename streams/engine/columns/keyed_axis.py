"""An axis whose entries are found by two numbers: a patient and something of that patient."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from devices.wire.batch import partition_of
from streams.engine.columns.arrays import NO_INTS, Ints
from streams.engine.columns.axis import Axis, Columns, Field

Keys = npt.NDArray[np.uint64]


def keys(patient: npt.NDArray[np.integer[Any]], other: npt.NDArray[np.integer[Any]]) -> Keys:
    """uint64 [n] of patient and other (int [n], below 2**32)."""
    found: Keys = patient.astype(np.uint64) << np.uint64(32) | other.astype(np.uint64)
    return found


def key(patient: int, other: int) -> int:
    """The key of one entry."""
    return patient << 32 | other


class Named(Columns):
    """``key`` uint64: who each column is; 0 for a spare one."""

    FIELDS: ClassVar = {"key": Field(np.uint64, 0)}
    key: Keys


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
        """The column of one entry, taken now where there was none."""
        found = self.at(patient, other)
        if found >= 0:
            return found
        partition, name = partition_of(patient), key(patient, other)
        column = self.add_one(partition)
        self.names.key[column] = name
        self._column[name] = column - int(self.start[partition])
        self._forget_order()
        return column

    def enter(self, new: Keys) -> Ints:
        """Take columns for keys (uint64 [k], unique) that have none; int64 [k]."""
        partition = (new >> np.uint64(32)).astype(np.int64) % 64
        order = np.argsort(partition, kind="stable")
        columns = np.empty(len(new), np.int64)
        columns[order] = self.add(partition[order])
        self.names.key[columns] = new
        within = columns - self.start[partition]
        self._column.update(zip(new.tolist(), within.tolist(), strict=True))
        self._forget_order()
        return columns

    def find(self, wanted: Keys) -> Ints:
        """Columns int64 [n] of keys uint64 [n], -1 where there is none."""
        return _search(*self._in_order(), wanted)

    def find_in(self, partition: int, wanted: Keys) -> Ints:
        """The same in one partition, without ordering what the others hold.  Equal keys in a row are looked up once."""
        columns = self.of(partition)
        order = np.argsort(self.names.key[columns]) + columns.start
        first = np.flatnonzero(np.append(True, wanted[1:] != wanted[:-1])) if wanted.size else NO_INTS
        found: Ints = np.repeat(_search(self.names.key[order], order, wanted[first]), np.diff(first, append=len(wanted)))
        return found

    def drop(self, partition: int) -> None:
        gone = self.names.key[self.of(partition)].tolist()
        for name in gone:
            self._column.pop(name, None)
        super().drop(partition)

    def reread(self, partition: int) -> None:
        """The names of one partition were put back into the table."""
        names = self.names.key[self.of(partition)].tolist()
        self._column.update(zip(names, range(len(names)), strict=True))
        self._forget_order()

    def of_patient(self, patient: int) -> Ints:
        """All columns int64 of one patient, ascending."""
        names, columns = self._in_order()
        first, end = np.searchsorted(names, np.array([key(patient, 0), key(patient + 1, 0)], np.uint64))
        found: Ints = np.sort(columns[first:end])
        return found

    def _in_order(self) -> tuple[Keys, Ints]:
        """All keys, ascending, and their columns."""
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
