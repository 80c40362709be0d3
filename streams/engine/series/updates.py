"""A store: the recent past of all series of one kind, continuous (:mod:`streams.engine.series.dense`) or episodic
(:mod:`streams.engine.series.sparse`).

Both tell the stages, once a second, what became visible (:class:`Updates`), keep the newest value of each series, and can
say again what they remember of a series (``history``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final, Protocol

import numpy as np

from devices.sample import STEPS
from devices.vitals import VITALS
from streams.engine.columns.arrays import NO_INTS, Bools, Bytes, Cells, Ints, Rows, distinct
from streams.engine.columns.axis import Axis, Columns, Field
from streams.engine.writes import LATE

NEVER: Final = 1 << 40
"""A second that does not come; its negative has never been."""
VALIDITY: Final[Ints] = np.zeros(256, np.int64)
"""s, by vital."""
CONTINUOUS: Final[Bools] = np.zeros(256, np.bool_)
for _spec in VITALS.values():
    VALIDITY[_spec.vital], CONTINUOUS[_spec.vital] = _spec.validity_s, _spec.continuous


class Series(Columns):
    """Who a column is: ``patient``, ``device`` int32, ``vital`` uint8 (0: a spare column); ``person`` int32: the patient's
    column within the partition's slice of that axis.
    """

    FIELDS: ClassVar = {
        "patient": Field(np.int32, 0),
        "device": Field(np.int32, 0),
        "vital": Field(np.uint8, 0),
        "person": Field(np.int32, 0),
    }
    patient: Cells
    device: Cells
    vital: Bytes
    person: Cells


class Newest(Columns):
    """The newest usable second of each series by measured time: ``second`` int64, its ``value`` int32 (fixed point) and
    ``ms`` int32 within the second; ``expires`` int64: active second (see :mod:`streams.engine.timeline`) from which it is
    too old.
    """

    FIELDS: ClassVar = {
        "second": Field(np.int64, -NEVER),
        "value": Field(np.int32, 0),
        "ms": Field(np.int32, 0),
        "expires": Field(np.int64, -NEVER),
    }
    second: Ints
    value: Cells
    ms: Cells
    expires: Ints

    def learn(self, updates: Updates, vital: Bytes, stalled_s: Ints) -> None:
        """Take in updates; ``stalled_s`` int64 [n]: the stalled seconds of each one's partition."""
        current = updates.second >= self.second[updates.column]
        if current.all():
            column, second, cell = updates.column, updates.second, updates.cell
        else:
            column, second, cell = updates.column[current], updates.second[current], updates.cell[current]
            stalled_s = stalled_s[current]
        self.second[column] = second  # sorted by second: the last of a series stands
        self.value[column] = cell & 0x7FFF
        self.ms[column] = (cell >> 16) - 1
        self.expires[column] = np.maximum(self.expires[column], second + VALIDITY[vital[column]] - stalled_s)


@dataclass(frozen=True, slots=True)
class Updates:
    """Seconds that became visible or changed since the last evaluation, each once; those of a series together, ascending.

    ``column``, ``second`` int64 [n]; ``cell`` int32 [n] (:mod:`streams.engine.series.ring`), always a value.  ``before``
    int64 and ``was`` int32 [n]: second and value of the newest one of that series until now.  ``late`` int64 [k]: series,
    unique, of which something is not newer than that: what was concluded from their recent past must be read again.
    ``alone``: no series occurs twice.
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
        return self.column if self.alone else self.column[np.append(self.column[1:] != self.column[:-1], True)]

    @property
    def value(self) -> Cells:
        fixed: Cells = self.cell & 0x7FFF
        return fixed


class SeriesStore(Protocol):
    """What a stage may read of a kind of series."""

    axis: Axis
    series: Series
    newest: Newest

    def history(self, series: Ints, now: int) -> tuple[Ints, Ints, Cells]:
        """All remembered values visible at ``now`` of series int64 [k]: (position in it, second, value), sorted."""


def distinct_minutes(column: Ints, minute: Ints) -> tuple[Ints, Ints]:
    """Column and unix minute int64 [n]: each pair once, sorted."""
    if column.size < 2:
        return column, minute
    both = np.unique(column << 32 | minute)
    return both >> 32, both & 0xFFFFFFFF


def late_rows(axis: Axis, series: Series, column: Ints, minute: Ints, now: int) -> Rows:
    """LATE rows, each minute of a series once."""
    column, minute = distinct_minutes(column, minute)
    out = np.zeros(len(column), LATE)
    out["patient"], out["vital"], out["device"] = series.patient[column], series.vital[column], series.device[column]
    out["partition"], out["minute"], out["second"] = axis.owner[column], minute, now
    return out


def updates_of(newest: Newest, column: Ints, second: Ints, cell: Cells, place: Cells) -> Updates:
    """Updates of usable seconds in any order, of which one may occur twice (the greatest cell counts).

    ``place`` int32 [width] is scratch.
    """
    token = np.arange(len(column), dtype=np.int32)
    place[column] = token
    alone = bool(np.array_equal(place[column], token))
    if not alone:
        column, second, cell = _in_order(column, second, cell)
    before = newest.second[column]
    behind = second <= before
    late = distinct(column[behind], len(place)) if behind.any() else NO_INTS
    return Updates(column, second, cell, before, newest.value[column], late, alone)


def _in_order(column: Ints, second: Ints, cell: Cells) -> tuple[Ints, Ints, Cells]:
    """Sorted by series and second; of equal ones the greatest cell."""
    order = np.argsort(column, kind="stable")
    column, second, cell = column[order], second[order], cell[order]
    later = (column[1:] > column[:-1]) | (second[1:] > second[:-1])
    if later.all():  # as devices measure: a general sort costs ten times as much
        return column, second, cell
    order = np.lexsort((cell, second, column))
    column, second, cell = column[order], second[order], cell[order]
    last = np.append((column[1:] != column[:-1]) | (second[1:] != second[:-1]), True)
    return column[last], second[last], cell[last]


def in_units(value: Cells | Ints, vital: Bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Fixed-point values in the vital's unit."""
    return value / STEPS[vital]
