"""Exact sums of the cells of a minute."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from streams.engine.columns.arrays import NO_INTS, Bools, Cells, Floats, Ints
from streams.engine.series.ring import MISS, POOR16

_POWERS: Final[Floats] = np.arange(60.0) ** np.arange(3)[:, None]
_SECOND: Final = np.arange(60, dtype=np.uint8)[:, None]
_SPARSE: Final = 8
"""Only cells that hold anything are read where these are fewer than 1/_SPARSE."""


@dataclass(frozen=True, slots=True)
class Sums:
    """Exact integers of a minute's cells, int64 [k]: seconds with a usable value ``n`` and with only unusable ones ``poor``;
    sums of the values ``v`` and ``vv`` in fixed point, of the seconds 0..59 ``t`` and ``tt``, and of their products ``tv``;
    the smallest and the greatest value (32768 or more, and -1 or less, where there is none); the ``first`` and the ``last``
    one (anything, where there is none).
    """

    n: Ints
    poor: Ints
    v: Ints
    vv: Ints
    t: Ints
    tt: Ints
    tv: Ints
    low: Ints
    high: Ints
    first: Ints
    last: Ints

    @staticmethod
    def joined(parts: Sequence[Sums]) -> Sums:
        """The sums of all parts, one after the other."""
        return Sums(*[np.concatenate([NO_INTS, *(getattr(part, name) for part in parts)]) for name in Sums.__slots__])

    def some(self, mask: Bools) -> Sums:
        """The sums of the series that bool [k] marks."""
        return self if mask.all() else Sums(*[getattr(self, name)[mask] for name in self.__slots__])


def sums_of(cells: Cells) -> Sums:
    """The sums of the cells int32 [60, k] of one minute."""
    there = cells > MISS
    if np.count_nonzero(there) * _SPARSE < cells.size:
        return _sums_of_few(cells, there)
    value = cells.astype(np.int16)  # the low half: MISS and POOR are negative
    good = value >= 0
    poor = np.count_nonzero(value == POOR16, axis=0)
    n, st, stt = (_POWERS @ good.astype(np.float64)).astype(np.int64)
    exact = np.maximum(value, 0).astype(np.float64)  # integers below 2**53: any order of adding gives the same
    sv, stv = (_POWERS[:2] @ exact).astype(np.int64)
    exact *= exact
    svv = (_POWERS[0] @ exact).astype(np.int64)
    low, high = value.view(np.uint16).min(0).astype(np.int64), np.maximum(value.max(0), -1).astype(np.int64)
    column = np.arange(cells.shape[1])
    first = value[np.where(good, _SECOND, 59).min(0), column].astype(np.int64)
    last = value[(good * _SECOND).max(0), column].astype(np.int64)
    return Sums(n, poor.astype(np.int64), sv, svv, st, stt, stv, low, high, first, last)


def _sums_of_few(cells: Cells, there: Bools) -> Sums:
    """The sums of cells of which few are ``there``, bool [60, k]: of patients who are measured now and then."""
    width = cells.shape[1]
    at = np.flatnonzero(there)
    second, column = np.divmod(at, width)
    value = cells.reshape(-1)[at].astype(np.int16).astype(np.int64)
    good = value >= 0
    poor = np.bincount(column[~good], minlength=width)
    second, column, value = second[good], column[good], value[good]
    products = value, value * value, second, second * second, second * value
    v, vv, t, tt, tv = (np.bincount(column, each, width).astype(np.int64) for each in products)  # exact, as above
    low, high = np.full(width, MISS, np.int64), np.full(width, -1, np.int64)
    np.minimum.at(low, column, value)
    np.maximum.at(high, column, value)
    first, last = np.zeros(width, np.int64), np.zeros(width, np.int64)
    first[column[::-1]], last[column] = value[::-1], value  # of equal indices numpy keeps the last one
    return Sums(np.bincount(column, minlength=width), poor, v, vv, t, tt, tv, low, high, first, last)
