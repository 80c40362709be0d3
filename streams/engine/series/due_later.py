"""Arrays that are due at a later second of the clock."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from streams.engine.columns.arrays import NO_CELLS, NO_INTS, Bools, Cells, Ints
from streams.engine.columns.axis import Axis


class DueLater:
    """Arrays put away until a second of the clock, a piece a call: (column int64, number int64, cell int32)."""

    def __init__(self, axis: Axis) -> None:
        self._axis = axis
        self._pieces: dict[int, list[tuple[Ints, Ints, Cells]]] = {}
        axis.on_move(self._move)

    def _move(self, moved: Ints) -> None:
        """Pieces are joined, too: there may be thousands, and a worker that gives partitions away moves 32 times."""
        for at, pieces in list(self._pieces.items()):
            column, number, cell = _joined(pieces)
            column = moved[column]
            there = column >= 0
            if there.any():
                self._pieces[at] = [(column[there], number[there], cell[there])]
            else:
                del self._pieces[at]

    def put(self, at: int, column: Ints, number: Ints, cell: Cells) -> None:
        if column.size:
            self._pieces.setdefault(at, []).append((column, number, cell))

    def put_each(self, at: Ints, column: Ints, number: Ints, cell: Cells) -> None:
        """The same, each until a second of its own: all [n]."""
        for each in np.unique(at).tolist():
            here = at == each
            self.put(each, column[here], number[here], cell[here])

    def take(self, at: int, member: Bools | None) -> tuple[Ints, Ints, Cells]:
        """What waits for ``at``, of the partitions in ``member`` (bool [PARTITIONS], None: all)."""
        found = self._pieces.pop(at, None)
        if not found:
            return NO_INTS, NO_INTS, NO_CELLS
        column, number, cell = _joined(found)
        if member is not None:
            mine = member[self._axis.owner[column]]
            if not mine.all():
                self._pieces[at] = [(column[~mine], number[~mine], cell[~mine])]
                column, number, cell = column[mine], number[mine], cell[mine]
        return column, number, cell

    def look(self, at: int, partition: int) -> tuple[Ints, Ints, Cells]:
        """What waits for ``at`` in one partition; it goes on waiting."""
        column, number, cell = _joined(self._pieces.get(at) or [(NO_INTS, NO_INTS, NO_CELLS)])
        mine = self._axis.owner[column] == partition
        return column[mine], number[mine], cell[mine]

    def times(self) -> list[int]:
        return list(self._pieces)

    def __contains__(self, at: int) -> bool:
        return at in self._pieces


def _joined(pieces: Iterable[tuple[Ints, Ints, Cells]]) -> tuple[Ints, Ints, Cells]:
    parts = list(pieces)
    if len(parts) == 1:
        return parts[0]
    return (
        np.concatenate([part[0] for part in parts]),
        np.concatenate([part[1] for part in parts]),
        np.concatenate([part[2] for part in parts]),
    )
