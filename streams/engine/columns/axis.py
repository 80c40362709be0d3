"""An axis of arrays along which every taken partition has one contiguous slice, with room to grow.

What stands along an axis (series, senders, patients, links) appears with the data.  Arrays that have one column for each
are :class:`Columns` tables; when a slice has no room left it moves behind the others, in all tables of the axis.
Nothing that is written ever depends on where a column is.
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
"""A slice that has to move gets 1/2**_SPARE more than it needs; all of them, when arrays have to."""
_FREE: Final = 4
"""Arrays that have to move get 1/2**_FREE more than they need."""
_MARGIN: Final = 4
"""Moving the slices together inside their arrays is worth it where 1/2**_MARGIN becomes free by it."""


@dataclass(frozen=True, slots=True)
class Field:
    """One array of a table: shape ``(*lead, columns)``, unused columns hold ``fill``."""

    dtype: type[np.generic]
    fill: int | bool
    lead: tuple[int, ...] = ()


class Columns:
    """A table: arrays with one column an entry of ``axis``, declared in ``FIELDS`` and kept as attributes of those names.

    ``name`` identifies the table in a snapshot; None keeps it out (it is rebuilt from elsewhere).
    """

    FIELDS: ClassVar[Mapping[str, Field]]

    def __init__(self, axis: Axis, name: str | None) -> None:
        self.axis = axis
        for field, spec in self.FIELDS.items():
            setattr(self, field, _empty(spec, axis.width))
        axis.register(self, name)

    def lay_out(self, moves: Sequence[tuple[slice, slice]], width: int) -> None:
        """Arrays of ``width`` columns, in which the (old, new) slices have moved; nothing else is kept.

        They grow where they stand, where nobody else holds them: the largest are a third of a worker's memory, and with a
        second copy beside them its peak would be a fifth higher.
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
        """Columns go to a free place of the same arrays, or to the left, over what they leave."""
        for field in self.FIELDS:
            array = getattr(self, field)
            array[..., after] = array[..., before]
        self.vacate(slice(max(before.start, after.stop) if after.start <= before.start else before.start, before.stop))

    def vacate(self, columns: slice) -> None:
        """Columns become free."""
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
    ``owner`` int32 [width]: the partition of each column, spare ones included; of a free one the last that had it.
    """

    def __init__(self) -> None:
        self.start: Ints = np.zeros(PARTITIONS, np.int64)
        self.room: Ints = np.zeros(PARTITIONS, np.int64)
        self.used: Ints = np.zeros(PARTITIONS, np.int64)
        self.owner: Cells = np.empty(0, np.int32)
        self.tables: dict[str, Columns] = {}
        self.expected = 0
        """So many partitions will be held: arrays that have to move get room for them, as large as those held now."""
        self._top = 0  # columns from here on are free
        self._all: list[Columns] = []
        self._listeners: list[Callable[[Ints], None]] = []

    @property
    def width(self) -> int:
        return len(self.owner)

    def register(self, table: Columns, name: str | None) -> None:
        self._all.append(table)
        if name is not None:
            self.tables[name] = table

    def on_move(self, listener: Callable[[Ints], None]) -> None:
        """``listener(moved)`` is called after columns moved: column i is now ``moved[i]``, -1 where it is gone."""
        self._listeners.append(listener)

    def of(self, partition: int) -> slice:
        """The taken columns of one partition."""
        first = int(self.start[partition])
        return slice(first, first + int(self.used[partition]))

    def span(self, partitions: Ints, member: Bools | None) -> tuple[slice, Bools | None]:
        """The smallest slice that holds the given partitions, and which of its columns are theirs (None: all that count).

        ``member`` bool [PARTITIONS] marks the same partitions, None where they are all there are.
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
            needed = self.used.copy()
            needed[partition] += 1
            self._widen(partition, needed)
        self.used[partition] = used + 1
        return int(self.start[partition]) + used

    def drop(self, partition: int) -> None:
        """Give the columns of one partition away."""
        columns = self.of(partition)
        if int(self.start[partition] + self.room[partition]) == self._top:
            self._top = columns.start
        self.used[partition] = self.room[partition] = 0
        if columns.stop > columns.start:
            for table in self._all:
                table.vacate(columns)
            self._tell([(columns, None)], self.width)

    def _widen(self, partition: int, needed: Ints) -> None:
        """Give a partition room for what it needs (int64 [PARTITIONS], of all) and some more, behind all others."""
        if needed[partition] <= self.room[partition]:
            return  # the arrays were laid out for another's sake
        room = int(_roomy(needed[partition]))
        if self._top + room > self.width:
            taken = int(self.room.sum())
            if taken + max(room, taken >> _MARGIN) > self.width:
                self._lay_out(needed)
                return
            self._close_up()
        before = self.of(partition)
        after = slice(self._top, self._top + before.stop - before.start)
        self.start[partition], self.room[partition] = self._top, room
        self.owner[self._top : self._top + room] = partition
        self._top += room
        if before.stop > before.start:
            for table in self._all:
                table.shift(before, after)
            self._tell([(before, after)], self.width)

    def _close_up(self) -> None:
        """Move all slices together where they stand: nothing is copied twice, and no memory is asked for."""
        old = [self.of(each) for each in range(PARTITIONS)]
        order = np.argsort(self.start, kind="stable")
        self.start[order] = np.cumsum(self.room[order]) - self.room[order]
        self._top = int(self.room.sum())
        self.owner[: self._top] = np.repeat(order, self.room[order])
        moves = [(old[each], self.of(each)) for each in order.tolist() if self.used[each] and old[each] != self.of(each)]
        for table in self._all:
            for before, after in moves:
                table.shift(before, after)
        self._tell(moves, self.width)

    def _lay_out(self, needed: Ints) -> None:
        """Lay all slices side by side again, each with room for what it needs and some more, in arrays with some more."""
        old, width = [self.of(each) for each in range(PARTITIONS)], self.width
        self.room = np.where(needed > 0, _roomy(needed), 0)
        self.start = np.cumsum(self.room) - self.room
        self._top = int(self.room.sum())
        room, holders = self.room.copy(), int(np.count_nonzero(self.room))
        likely = self._top // holders * max(self.expected - holders, 0)
        room[-1] += max(self._top >> _FREE, likely + (likely >> _MARGIN))
        self.owner = np.repeat(np.arange(PARTITIONS, dtype=np.int32), room)
        moves = [(old[each], self.of(each)) for each in np.flatnonzero(self.used).tolist()]
        for table in self._all:
            table.lay_out(moves, self.width)
        self._tell(moves, width)

    def _tell(self, moves: Sequence[tuple[slice, slice | None]], width: int) -> None:
        moved = np.arange(width)
        for before, after in moves:
            moved[before] = -1 if after is None else np.arange(after.start, after.stop)
        for listener in self._listeners:
            listener(moved)


def _empty(spec: Field, width: int) -> npt.NDArray[Any]:
    """Free columns.  Zeros come from the kernel as they are used, and are not written here as well."""
    shape = (*spec.lead, width)
    return np.full(shape, spec.fill, spec.dtype) if spec.fill else np.zeros(shape, spec.dtype)


def _roomy(needed: Ints) -> Ints:
    return needed + (needed >> _SPARE) + _SMALLEST
