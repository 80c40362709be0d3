"""Arrays that are due at a later second of the clock."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from streams.engine.columns.arrays import NO_CELLS, NO_INTS, Bools, Cells, Ints
from streams.engine.columns.axis import Axis

_NEVER: Final = 10**12
Entries = tuple[Ints, Ints, Cells]
"""Columns int64 of an axis, a number int64 and a cell int32 for each, all [n]."""


class DueLater:
    """Entries by the second at which they are due, an array a call."""

    def __init__(self, axis: Axis) -> None:
        self._axis = axis
        self._pieces: dict[int, list[Entries]] = {}
        axis.on_move(self._move)

    def _move(self, moved: Ints) -> None:
        """Join the pieces, too: there may be thousands, and a worker that gives partitions away moves 32 times."""
        for at, pieces in list(self._pieces.items()):
            column, number, cell = _joined(pieces)
            column = moved[column]
            there = column >= 0
            if there.any():
                self._pieces[at] = [(column[there], number[there], cell[there])]
            else:
                del self._pieces[at]

    def put(self, at: int, column: Ints, number: Ints, cell: Cells) -> None:
        """Add entries that are due at second ``at``."""
        if column.size:
            self._pieces.setdefault(at, []).append((column, number, cell))

    def put_each(self, at: Ints, column: Ints, number: Ints, cell: Cells) -> None:
        """Add entries of which each is due at a second of its own: all [n]."""
        for each in np.unique(at).tolist():
            here = at == each
            self.put(each, column[here], number[here], cell[here])

    def take(self, at: int, member: Bools | None) -> Entries:
        """Remove and return the entries due at ``at``, of the partitions in ``member`` (bool [PARTITIONS], None: all)."""
        column, number, cell = _joined(self._pieces.pop(at, ()))
        if member is not None and column.size:
            mine = member[self._axis.owner[column]]
            if not mine.all():
                self._pieces[at] = [(column[~mine], number[~mine], cell[~mine])]
                column, number, cell = column[mine], number[mine], cell[mine]
        return column, number, cell

    def postpone(self, to: int, member: Bools) -> None:
        """Make all entries of some partitions due at second ``to``."""
        for at in list(self._pieces):
            self.put(to, *self.take(at, member))

    def clear(self, member: Bools) -> None:
        """Remove all entries of some partitions."""
        for at in list(self._pieces):
            self.take(at, member)

    def pack(self, partition: int) -> list[tuple[int, Ints, Ints, Cells]]:
        """(second, entries) of one partition, by second; columns count from the start of its slice."""
        out = []
        for at in sorted(self._pieces):
            column, number, cell = _joined(self._pieces[at])
            mine = self._axis.owner[column] == partition
            if mine.any():
                out.append((at, column[mine] - self._axis.start[partition], number[mine], cell[mine]))
        return out

    def unpack(self, partition: int, packed: Iterable[tuple[int, Ints, Ints, Cells]]) -> None:
        """Put back what :meth:`pack` gave."""
        for at, column, number, cell in packed:
            self.put(at, column + self._axis.start[partition], number, cell)

    @property
    def first(self) -> int:
        """The second of the first entries; a thousand thousand million where there are none."""
        return min(self._pieces, default=_NEVER)

    def __contains__(self, at: int) -> bool:
        return at in self._pieces


def _joined(pieces: Sequence[Entries]) -> Entries:
    if not pieces:
        return NO_INTS, NO_INTS, NO_CELLS
    column, number, cell = zip(*pieces, strict=True)
    if len(column) == 1:
        return column[0], number[0], cell[0]
    return np.concatenate(column), np.concatenate(number), np.concatenate(cell)
