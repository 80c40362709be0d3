"""Updates: the seconds of series that became visible since the last evaluation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from streams.engine.columns.arrays import NO_INTS, Cells, Ints, distinct, ends, starts
from streams.engine.series.newest import Newest


@dataclass(frozen=True, slots=True)
class Updates:
    """Seconds that became visible or changed since the last evaluation, each once; those of a series together, ascending.

    ``column``, ``second`` int64 [n]; ``cell`` int32 [n] (:mod:`streams.engine.series.ring`), always a value.  ``before``
    int64 and ``was`` int32 [n]: second and value of the newest one of that series until now.  ``late`` int64 [k]: unique
    series with an update that is not newer than that: conclusions from their recent past must be computed again.  ``alone``:
    no series occurs twice.
    """

    column: Ints
    second: Ints
    cell: Cells
    before: Ints
    was: Cells
    late: Ints
    alone: bool

    @property
    def series(self) -> Ints:
        """The columns that have updates, int64, unique."""
        return self.column if self.alone else self.column[starts(self.column)]

    @property
    def value(self) -> Cells:
        """Fixed point, int32 [n]."""
        fixed: Cells = self.cell & 0x7FFF
        return fixed


def updates_of(newest: Newest, column: Ints, second: Ints, cell: Cells, scratch: Cells) -> Updates:
    """Updates of usable seconds in any order, of which one may occur twice (the greatest cell counts).

    ``scratch`` int32, as wide as the axis, is overwritten.
    """
    token = np.arange(len(column), dtype=np.int32)
    scratch[column] = token
    alone = bool(np.array_equal(scratch[column], token))
    if not alone:
        column, second, cell = _in_order(column, second, cell)
    before = newest.second[column]
    behind = second <= before
    late = distinct(column[behind], len(scratch)) if behind.any() else NO_INTS
    return Updates(column, second, cell, before, newest.value[column], late, alone)


def _in_order(column: Ints, second: Ints, cell: Cells) -> tuple[Ints, Ints, Cells]:
    """Sort by series and second; of equal ones only the greatest cell stays."""
    order = np.argsort(column, kind="stable")
    column, second, cell = column[order], second[order], cell[order]
    later = (column[1:] > column[:-1]) | (second[1:] > second[:-1])
    if later.all():  # as devices measure: a general sort costs ten times as much
        return column, second, cell
    order = np.lexsort((cell, second, column))
    column, second, cell = column[order], second[order], cell[order]
    last = ends(column) | ends(second)
    return column[last], second[last], cell[last]
