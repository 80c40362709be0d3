"""An axis of arrays along which every taken partition has one contiguous slice, with room to grow.

The entries of an axis (series, senders, patients, links) appear with the data.  Arrays with a column an entry are
:class:`Columns` tables.  A slice without room left moves behind the others, in all tables of the axis.  No result depends on
the place of a column.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt

from devices.wire.batch import PARTITIONS
from streams.engine.columns.arrays import Bools, Cells, Ints

_SMALLEST: Final = 8
_SPARE: Final = 4
"""A slice that moves gets 1/2**_SPARE more than it needs, and so do all slices when the arrays grow."""
_FREE: Final = 4
"""Arrays that grow get 1/2**_FREE more than they need."""
_MARGIN: Final = 4
"""The slices move together inside their arrays where that frees 1/2**_MARGIN of them."""


@dataclass(frozen=True, slots=True)
class Field:
    """One array of a table: shape ``(*lead, columns)``, unused columns hold ``fill``."""

    dtype: type[np.generic]
    fill: int | bool
    lead: tuple[int, ...] = ()


def array(dtype: type[np.generic], fill: int | bool = 0, lead: tuple[int, ...] = ()) -> Any:
    """Declare an array of a table, as a class attribute; see :class:`Field`."""
    return Field(dtype, fill, lead)


class Columns:
    """A table: arrays with one column an entry of ``axis``, declared with :func:`array`.

    ``name`` identifies the table in a snapshot; None keeps it out (it is rebuilt from elsewhere).
    """

    FIELDS: ClassVar[Mapping[str, Field]] = {}

    def __init_subclass__(cls) -> None:
        cls.FIELDS = {**cls.FIELDS, **{name: value for name, value in vars(cls).items() if isinstance(value, Field)}}

    def __init__(self, axis: Axis, name: str | None) -> None:
        self.axis = axis
        for field, spec in self.FIELDS.items():
            setattr(self, field, _empty(spec, axis.width))
        axis.register(self, name)

    def lay_out(self, moves: Sequence[tuple[slice, slice]], width: int) -> None:
        """Make the arrays ``width`` columns wide and move the (old, new) slices; nothing else is kept.

        An array changes in place unless it shrinks or somebody else holds it: the largest are a third of a worker's memory,
        and a second copy beside them would raise its peak by a fifth.
        """
        for field, spec in self.FIELDS.items():
            array = self.__dict__.pop(field)  # numpy lets an array grow that has no other reference
            old = array.shape[-1]
            if not moves:
                del array
                setattr(self, field, _empty(spec, width))
                continue
            if old <= width:
                with contextlib.suppress(ValueError):
                    array.resize((*spec.lead, width))
            wide = array if array.shape[-1] == width else np.empty((*spec.lead, width), spec.dtype)
            before_all, after_all = array.reshape(-1), wide.reshape(-1)
            for row in range(math.prod(spec.lead) - 1, -1, -1):  # from the last: each goes to the right of where it was
                was, now = before_all[row * old : (row + 1) * old].copy(), after_all[row * width : (row + 1) * width]
                now[:] = spec.fill
                for before, after in moves:
                    now[after] = was[before]
            setattr(self, field, wide)

    def shift(self, before: slice, after: slice) -> None:
        """Move columns to a free place of the same arrays."""
        for field in self.FIELDS:
            getattr(self, field)[..., after] = getattr(self, field)[..., before]
        self.vacate(before)

    def vacate(self, columns: slice) -> None:
        """Free columns: fill them."""
        for field, spec in self.FIELDS.items():
            getattr(self, field)[..., columns] = spec.fill

    def pack(self, columns: slice) -> dict[str, npt.NDArray[Any]]:
        """Copies of the columns of one slice."""
        return {field: getattr(self, field)[..., columns].copy() for field in self.FIELDS}

    def unpack(self, columns: slice, packed: Mapping[str, npt.NDArray[Any]]) -> None:
        """Put back what :meth:`pack` gave; ``KeyError`` or ``ValueError`` when it is of another shape."""
        for field in self.FIELDS:
            getattr(self, field)[..., columns] = packed[field]


class Axis:
    """Partition p has columns ``start[p]:start[p] + room[p]``, the first ``used[p]`` of them taken (int64 [PARTITIONS]).
    ``owner`` int32 [width]: the partition of each column, spare ones included; a free one keeps its last owner.
    ``tables`` are those that go into snapshots, by name.  ``expected``: the number of partitions that will be held; when
    arrays move they get room for all of them, each as large as those held now.
    """

    def __init__(self) -> None:
        self.start: Ints = np.zeros(PARTITIONS, np.int64)
        self.room: Ints = np.zeros(PARTITIONS, np.int64)
        self.used: Ints = np.zeros(PARTITIONS, np.int64)
        self.owner: Cells = np.zeros(1, np.int32)
        self.tables: dict[str, Columns] = {}
        self.expected = 0
        self._top = 0  # columns from here on are free
        self._all: list[Columns] = []
        self._listeners: list[Callable[[Ints], None]] = []

    @property
    def width(self) -> int:
        """The columns of each array, at least one."""
        return len(self.owner)

    def register(self, table: Columns, name: str | None) -> None:
        self._all.append(table)
        if name is not None:
            self.tables[name] = table

    def on_move(self, listener: Callable[[Ints], None]) -> None:
        """Call ``listener(moved)`` after columns moved: column i is now ``moved[i]``, -1 where it is gone."""
        self._listeners.append(listener)

    def of(self, partition: int) -> slice:
        """The taken columns of one partition."""
        first = int(self.start[partition])
        return slice(first, first + int(self.used[partition]))

    def span(self, partitions: Ints, member: Bools | None) -> tuple[slice, Bools | None]:
        """The smallest slice that holds the given partitions, and a mask of their columns in it (None: all taken ones).

        ``member`` bool [PARTITIONS] marks the same partitions, None where they are all that are held.
        """
        if member is None:
            return slice(0, self._top), None
        mine = partitions[self.used[partitions] > 0]
        if not mine.size:
            return slice(0, 0), None
        first, end = self.start, self.start + self.used
        low, high = int(first[mine].min()), int(end[mine].max())
        others = ~member & (self.used > 0) & (first < high) & (end > low)
        return slice(low, high), member[self.owner[low:high]] if others.any() else None

    def add(self, partition: Ints) -> Ints:
        """Take a column for each entry of ``partition`` (int64 [k], ascending); int64 [k]."""
        needed = self.used + np.bincount(partition, minlength=PARTITIONS)
        for tight in np.flatnonzero(needed > self.room).tolist():
            self._widen(tight, needed)
        rank = np.arange(len(partition)) - np.searchsorted(partition, partition)
        columns: Ints = self.start[partition] + self.used[partition] + rank
        self.used = needed
        return columns

    def add_one(self, partition: int) -> int:
        """Take one column."""
        used = int(self.used[partition])
        if used == self.room[partition]:
            return int(self.add(np.array([partition]))[0])
        self.used[partition] = used + 1
        return int(self.start[partition]) + used

    def pack(self, partition: int) -> dict[str, dict[str, npt.NDArray[Any]]]:
        """Arrays by table and field: the columns of one partition in the tables that go into snapshots."""
        columns = self.of(partition)
        return {name: table.pack(columns) for name, table in self.tables.items()}

    def unpack(self, partition: int, packed: Mapping[str, Mapping[str, npt.NDArray[Any]]]) -> None:
        """Put back what :meth:`pack` gave into taken columns; ``KeyError`` or ``ValueError`` when it is of other tables."""
        columns = self.of(partition)
        for name, table in self.tables.items():
            table.unpack(columns, packed[name])

    def drop(self, partition: int) -> None:
        """Free the columns of one partition."""
        columns = self.of(partition)
        if int(self.start[partition] + self.room[partition]) == self._top:
            self._top = columns.start
        self.used[partition] = self.room[partition] = 0
        if columns.stop > columns.start:
            for table in self._all:
                table.vacate(columns)
            self._notify([(columns, None)], self.width)

    def _widen(self, partition: int, needed: Ints) -> None:
        """Give a partition the room it needs (int64 [PARTITIONS], of all) and some more, behind all others."""
        if needed[partition] <= self.room[partition]:
            return  # the arrays grew for another partition, with room for all
        room = int(_roomy(needed[partition]))
        if self._top + room > self.width:
            taken = int(self.room.sum())
            if taken + max(room, taken >> _MARGIN) > self.width:
                self._grow(needed)
                return
            self._arrange(np.argsort(self.start, kind="stable"), self.room, self.width)
        before = self.of(partition)
        after = slice(self._top, self._top + before.stop - before.start)
        self.start[partition], self.room[partition] = self._top, room
        self.owner[self._top : self._top + room] = partition
        self._top += room
        if before.stop > before.start:
            for table in self._all:
                table.shift(before, after)
            self._notify([(before, after)], self.width)

    def _grow(self, needed: Ints) -> None:
        """Lay all slices side by side again, each with room for what it needs and some more, in arrays with some more."""
        room = np.where(needed > 0, _roomy(needed), 0)
        taken, holders = int(room.sum()), int(np.count_nonzero(room))
        likely = taken // holders * max(self.expected - holders, 0)
        self._arrange(np.arange(PARTITIONS), room, taken + max(taken >> _FREE, likely + (likely >> _MARGIN)))

    def _arrange(self, order: Ints, room: Ints, width: int) -> None:
        """Let the slices follow each other in this order, each with so much room, in arrays of ``width`` columns."""
        old, former = [self.of(each) for each in order.tolist()], self.width
        self.room, self._top = room, int(room.sum())
        self.start[order] = np.cumsum(room[order]) - room[order]
        self.owner = np.zeros(width, np.int32)
        self.owner[: self._top] = np.repeat(order, room[order])
        moves = [(before, self.of(each)) for each, before in zip(order.tolist(), old, strict=True) if self.used[each]]
        for table in self._all:
            table.lay_out(moves, width)
        self._notify(moves, former)

    def _notify(self, moves: Sequence[tuple[slice, slice | None]], width: int) -> None:
        """Tell the listeners which of ``width`` columns moved, and where to; None: they are gone."""
        moved = np.arange(width)
        for before, after in moves:
            moved[before] = -1 if after is None else np.arange(after.start, after.stop)
        for listener in self._listeners:
            listener(moved)


def _empty(spec: Field, width: int) -> npt.NDArray[Any]:
    """Free columns.  The kernel gives zeros as they are used, so that they are not written here as well."""
    shape = (*spec.lead, width)
    return np.full(shape, spec.fill, spec.dtype) if spec.fill else np.zeros(shape, spec.dtype)


def _roomy(needed: Ints) -> Ints:
    return needed + (needed >> _SPARE) + _SMALLEST
