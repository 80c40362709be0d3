"""Closed minutes, and hours where somebody asks for them: the last 60 minutes and 24 hours of every continuous series, as
exact integers.

A minute enters, with the cells that the ring then holds, at the first evaluated second at which its partition writes rollups
(:data:`streams.engine.series.rollup.DUE`) or later.  It never changes: a late sample corrects the stored rollup, not the
windows that decide.  An hour is the sum of its minutes; the current one grows with them.  Skipped minutes are empty.  Where
a clock is set back, later cells are cleared, and the hour is added up again from its remaining minutes.

A minute takes 14 bytes and an hour 20, together 1,320 bytes a series.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt

from devices.vitals import VITALS
from devices.wire.batch import PARTITIONS
from streams.engine.columns.arrays import Ints
from streams.engine.columns.axis import Axis, Columns, array
from streams.engine.series.rollup import DUE
from streams.engine.series.sums import Sums

EMPTY_LOW: Final = 0x7FFF
"""``low`` of a cell without a value: no smaller than any value; its ``high`` is -1."""
GREATEST: Final = math.isqrt(((1 << 32) - 1) // 60)
"""The squares of a minute of values up to this fit into 32 bits."""
_WORD: Final = 8
assert all(one.plausible[1] * one.steps <= GREATEST for one in VITALS.values() if one.continuous)


class Slots(Columns):
    """Cells by number: the cell of number x (a unix minute, or hour) is in row x % LENGTH.

    ``n`` and ``poor``: seconds with a usable value, and with only unusable ones; ``sum`` int32 and ``squares`` (uint32 of
    a minute, int64 of an hour) of the values in fixed point; ``low`` and ``high`` int16.
    """

    LENGTH: ClassVar[int]
    n: npt.NDArray[np.unsignedinteger[Any]]
    poor: npt.NDArray[np.unsignedinteger[Any]]
    sum: npt.NDArray[np.int32]
    squares: npt.NDArray[np.integer[Any]]
    low: npt.NDArray[np.int16]
    high: npt.NDArray[np.int16]

    def clear(self, first: int, last: int, columns: slice) -> None:
        """Clear the cells of numbers ``first`` to ``last``."""
        for number in range(max(first, last - self.LENGTH + 1), last + 1):
            for field, spec in self.FIELDS.items():
                getattr(self, field)[number % self.LENGTH, columns] = spec.fill

    def put(self, number: int, columns: slice, of: Sums) -> None:
        """Write the cell of a number."""
        row = number % self.LENGTH
        self.n[row, columns], self.poor[row, columns] = of.n, of.poor
        self.sum[row, columns], self.squares[row, columns] = of.v, of.vv
        self.low[row, columns], self.high[row, columns] = np.minimum(of.low, EMPTY_LOW), of.high

    def add(self, number: int, columns: slice, of: Slots, row: int) -> None:
        """Add one row of smaller cells to the cell of a number."""
        own = number % self.LENGTH
        for field in ("n", "poor", "sum", "squares"):
            getattr(self, field)[own, columns] += getattr(of, field)[row, columns]
        np.minimum(self.low[own, columns], of.low[row, columns], out=self.low[own, columns])
        np.maximum(self.high[own, columns], of.high[row, columns], out=self.high[own, columns])

    def pack(self, columns: slice) -> dict[str, npt.NDArray[Any]]:
        """Encode the columns as small unsigned integers, one byte plane at a time; this halves the compressed size.

        The integers: ``n``, ``poor``, steps of the rounded ``mean``, the ``rest`` of the rounding, the ``spread`` (sum of
        squared distances from the mean), distances of ``low`` and ``high`` from the mean.
        """
        n, total = self.n[:, columns].astype(np.int64), self.sum[:, columns].astype(np.int64)
        mean = (total / np.maximum(n, 1)).astype(np.int64)  # exact, and faster than division of integers
        rest = total - mean * n
        parts = {
            "n": n,
            "poor": self.poor[:, columns],
            "mean": _unsigned(np.diff(mean, axis=0, prepend=0)),
            "rest": rest,
            "spread": (self.squares[:, columns] - mean * (total + rest)).astype(self.squares.dtype),
            "low": (mean - self.low[:, columns]).astype(np.uint16),
            "high": (self.high[:, columns] - mean).astype(np.uint16),
        }
        return {name: _planes(part) for name, part in parts.items()}

    def unpack(self, columns: slice, packed: Mapping[str, npt.NDArray[Any]]) -> None:
        part = {name: _whole(planes, self.n[:, columns].shape) for name, planes in packed.items()}
        if max(part[name].itemsize for name in part if name != "spread") > np.dtype(np.int32).itemsize:
            raise ValueError("other numbers were packed")
        n, rest, mean = part["n"], part["rest"], _signed(part["mean"])
        for row in range(1, len(mean)):  # numpy's cumsum along the first axis takes eight times as long
            mean[row] += mean[row - 1]
        total = mean * n + rest
        self.n[:, columns], self.poor[:, columns], self.sum[:, columns] = n, part["poor"], total
        # arithmetic modulo 2**16, 2**32 or 2**64, as in pack
        of = self.squares.dtype
        squares = np.multiply(mean, total + rest, dtype=of, casting="unsafe")
        np.add(squares, part["spread"], out=self.squares[:, columns], dtype=of, casting="unsafe")
        np.subtract(mean, part["low"], out=self.low[:, columns], casting="unsafe")
        np.add(mean, part["high"], out=self.high[:, columns], casting="unsafe")


class ClosedMinutes(Slots):
    """The last hour."""

    LENGTH = 60
    n = array(np.uint8, lead=(60,))
    poor = array(np.uint8, lead=(60,))
    sum = array(np.int32, lead=(60,))
    squares = array(np.uint32, lead=(60,))
    low = array(np.int16, EMPTY_LOW, (60,))
    high = array(np.int16, -1, (60,))


class ClosedHours(Slots):
    """The last day, the current hour included."""

    LENGTH = 24
    n = array(np.uint16, lead=(24,))
    poor = array(np.uint16, lead=(24,))
    sum = array(np.int32, lead=(24,))
    squares = array(np.int64, lead=(24,))
    low = array(np.int16, EMPTY_LOW, (24,))
    high = array(np.int16, -1, (24,))


class Closed:
    """``minutes`` of all series of an axis, and ``hours`` if they are kept; ``minute`` int64 [PARTITIONS]: the last one that
    entered, or -1; ``entered``: the partitions in which one entered at the current second.
    """

    def __init__(self, axis: Axis) -> None:
        self.axis = axis
        self.minutes = ClosedMinutes(axis, "closed minutes")
        self.hours: ClosedHours | None = None
        self.minute: Ints = np.full(PARTITIONS, -1, np.int64)
        self.entered: list[int] = []

    def keep_hours(self) -> ClosedHours:
        """The hours, which are kept from now on; to be asked for before there are any series."""
        if self.hours is None:
            if self.axis.used.any():
                raise RuntimeError("hours are asked for before the first series appears: in a stage's attach")
            self.hours = ClosedHours(self.axis, "closed hours")
        return self.hours

    def due(self, now: int, partitions: Ints) -> list[tuple[int, int]]:
        """(partition, minute) of the partitions in which a minute enters at second ``now``."""
        last = _last_due(now, partitions)
        late = np.flatnonzero(last > self.minute[partitions])
        return list(zip(partitions[late].tolist(), last[late].tolist(), strict=True))

    def enter(self, partition: int, minute: int, of: Sums) -> None:
        """A minute of a partition has closed; ``of`` has a column for each of its series."""
        columns, before = self.axis.of(partition), int(self.minute[partition])
        self.minutes.clear(before + 1, minute - 1, columns)
        self.minutes.put(minute, columns, of)
        if self.hours is not None:
            self.hours.clear(before // 60 + 1, minute // 60, columns)
            self.hours.add(minute // 60, columns, self.minutes, minute % ClosedMinutes.LENGTH)
        self.minute[partition] = minute
        self.entered.append(partition)

    def forget(self, partition: int, now: int) -> None:
        """Forget the minutes after second ``now``, to which the clock of a partition was set back."""
        columns, before = self.axis.of(partition), int(self.minute[partition])
        minute = int(_last_due(now, np.array([partition]))[0])
        if minute >= before:
            return
        self.minutes.clear(minute + 1, before, columns)
        hour = minute // 60
        if self.hours is not None:
            self.hours.clear(hour, before // 60, columns)
            for each in range(hour * 60, minute + 1):
                if each > before - ClosedMinutes.LENGTH:  # the row of an older one has been overwritten
                    self.hours.add(hour, columns, self.minutes, each % ClosedMinutes.LENGTH)
        self.minute[partition] = minute


def _last_due(now: int, partitions: Ints) -> Ints:
    """The last minute int64 [n] that partitions have written by second ``now``."""
    found: Ints = (now - DUE[partitions]) // 60 - 1
    return found


def _unsigned(array: Ints) -> Ints:
    """0, -1, 1, -2 … as 0, 1, 2, 3 …: small in every byte."""
    return array << 1 ^ array >> 63


def _signed(array: npt.NDArray[np.unsignedinteger[Any]]) -> npt.NDArray[np.int32]:
    """The reverse of :func:`_unsigned`."""
    found: npt.NDArray[np.signedinteger[Any]] = (array >> 1 ^ -(array & 1)).view(f"i{array.itemsize}")
    return found.astype(np.int32)


def _planes(array: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """uint8 [bytes, elements]: the lowest bytes of all numbers, then the second ones, up to the last that are not all 0."""
    planes, rest = [], array.reshape(-1)
    for _ in range(array.itemsize):
        if not rest.any():
            break
        planes.append(rest.astype(np.uint8))
        rest = rest >> 8
    return np.array(planes, np.uint8).reshape(len(planes), array.size)


def _whole(planes: npt.NDArray[Any], shape: tuple[int, ...]) -> npt.NDArray[np.unsignedinteger[Any]]:
    """The array of some byte planes, in as few bytes as hold it."""
    if len(planes) > _WORD:
        raise ValueError("other numbers were packed")
    if not len(planes):
        return np.zeros(shape, np.uint8)
    dtype = np.dtype(f"u{1 << (len(planes) - 1).bit_length()}").type
    found: npt.NDArray[np.unsignedinteger[Any]] = planes[0].reshape(shape).astype(dtype, copy=False)
    for byte, plane in enumerate(planes[1:], 1):
        found |= plane.reshape(shape).astype(dtype) << dtype(8 * byte)
    return found
