"""An axis of arrays along which every taken partition has one contiguous slice, with room to grow.

What stands along an axis (series, senders, patients, links) appears with the data.  Arrays that have one column for each
are :class:`Columns` tables; when a slice has no room left, or a partition is dropped, all tables of the axis move at once.
Nothing that is written ever depends on where a column is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt

from devices.batch import PARTITIONS
from streams.arrays import Bools, Cells, Ints

_SMALLEST: Final = 8
_FULL: Final = 0.75
"""A slice fuller than this is widened when the arrays move anyway."""


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
            setattr(self, field, np.full((*spec.lead, axis.width), spec.fill, spec.dtype))
        axis.register(self, name)

    def move(self, moved: Ints, width: int) -> None:
        """Column i goes to ``moved[i]`` (-1: away) of ``width`` columns."""
        kept = np.flatnonzero(moved >= 0)
        for field, spec in self.FIELDS.items():
            wide = np.full((*spec.lead, width), spec.fill, spec.dtype)
            wide[..., moved[kept]] = getattr(self, field)[..., kept]
            setattr(self, field, wide)

    def pack(self, columns: slice) -> dict[str, npt.NDArray[Any]]:
        """The columns of one slice."""
        return {field: np.ascontiguousarray(getattr(self, field)[..., columns]) for field in self.FIELDS}

    def unpack(self, columns: slice, packed: Mapping[str, npt.NDArray[Any]]) -> None:
        """Put back what :meth:`pack` gave; ``KeyError`` or ``ValueError`` when it is of another shape."""
        for field in self.FIELDS:
            getattr(self, field)[..., columns] = packed[field]


class Axis:
    """``start`` int64 [PARTITIONS + 1]: partition p has columns ``start[p]:start[p + 1]``, of which the first ``used[p]``
    (int64 [PARTITIONS]) are taken.  ``owner`` int32 [width]: the partition of each column, spare ones included.
    """

    def __init__(self) -> None:
        self.start: Ints = np.zeros(PARTITIONS + 1, np.int64)
        self.used: Ints = np.zeros(PARTITIONS, np.int64)
        self.owner: Cells = np.empty(0, np.int32)
        self.tables: dict[str, Columns] = {}
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
        """The smallest slice that holds the given partitions, and which of its columns are theirs (None: all).

        ``member`` bool [PARTITIONS] marks the same partitions, None where they are all there are.
        """
        low, high = int(partitions.min()), int(partitions.max())
        columns = slice(int(self.start[low]), int(self.start[high + 1]))
        if member is None:
            return columns, None
        others = ~member[low : high + 1] & (self.used[low : high + 1] > 0)
        return columns, member[self.owner[columns]] if others.any() else None

    def add(self, partition: Ints) -> Ints:
        """Take a column for each entry of ``partition`` (int64 [k], ascending); int64 [k]."""
        needed = self.used + np.bincount(partition, minlength=PARTITIONS)
        room = np.diff(self.start)
        if (needed > room).any():
            tight = needed > room * _FULL
            wider = np.maximum(_SMALLEST, 1 << np.ceil(np.log2(np.maximum(needed, 1) / _FULL)).astype(np.int64))
            self._lay_out(np.where(tight & (needed > 0), wider, room))
        rank = np.arange(len(partition)) - np.searchsorted(partition, partition)
        columns: Ints = self.start[partition] + self.used[partition] + rank
        self.used = needed
        return columns

    def drop(self, partition: int) -> None:
        """Give the columns of one partition away."""
        if not self.start[partition + 1] - self.start[partition]:
            return
        room = np.diff(self.start)
        room[partition] = 0
        self.used[partition] = 0
        self._lay_out(room)

    def _lay_out(self, room: Ints) -> None:
        old = self.start
        self.start = np.concatenate(([0], np.cumsum(room)))
        moved = np.full(self.width, -1, np.int64)
        for partition in np.flatnonzero(self.used).tolist():
            count = int(self.used[partition])
            moved[old[partition] : old[partition] + count] = np.arange(count) + self.start[partition]
        self.owner = np.repeat(np.arange(PARTITIONS, dtype=np.int32), room)
        for table in self._all:
            table.move(moved, self.width)
        for listener in self._listeners:
            listener(moved)
