from __future__ import annotations

from typing import TypeVar

import numpy as np
import pytest

from devices.vitals import FIXED_MAX
from streams.engine.columns.axis import Axis
from streams.engine.series.closed import ClosedHours, ClosedMinutes, Slots

SERIES = 40
_S = TypeVar("_S", bound=Slots)


def table(kind: type[_S]) -> tuple[_S, slice]:
    axis = Axis()
    made = kind(axis, None)
    axis.add(np.zeros(SERIES, np.int64))
    return made, axis.of(0)


def measured(kind: type[_S], most: int) -> tuple[_S, slice]:
    """Cells of ``most`` values at most, some of none."""
    made, columns = table(kind)
    rng = np.random.default_rng(7)
    for row in range(kind.LENGTH):
        for column in range(SERIES):
            values = rng.integers(300, 900, rng.choice((0, 1, most)))
            if values.size:
                made.n[row, column], made.poor[row, column] = len(values), rng.integers(0, 3)
                made.sum[row, column], made.squares[row, column] = values.sum(), (values.astype(np.int64) ** 2).sum()
                made.low[row, column], made.high[row, column] = values.min(), values.max()
    return made, columns


@pytest.mark.parametrize(("kind", "most"), [(ClosedMinutes, 60), (ClosedHours, 3600)])
def test_what_was_packed_comes_back_as_it_was(kind: type[Slots], most: int) -> None:
    made, columns = measured(kind, most)
    again, its = table(kind)
    again.unpack(its, made.pack(columns))
    for field in kind.FIELDS:
        np.testing.assert_array_equal(getattr(again, field)[:, its], getattr(made, field)[:, columns])


def test_the_largest_numbers_come_back_as_well() -> None:
    made, columns = table(ClosedHours)
    values = np.array([FIXED_MAX] * 3599 + [0], np.int64)
    for column, n in enumerate(range(3600, 3600 - SERIES, -1)):
        some = values[-n:]
        made.n[:, column], made.sum[:, column], made.squares[:, column] = n, some.sum(), (some**2).sum()
        made.low[:, column], made.high[:, column] = 0, FIXED_MAX
    again, its = table(ClosedHours)
    again.unpack(its, made.pack(columns))
    for field in ClosedHours.FIELDS:
        np.testing.assert_array_equal(getattr(again, field)[:, its], getattr(made, field)[:, columns])


def test_numbers_that_no_values_have_are_packed_in_as_many_bytes_as_there_are() -> None:
    made, columns = measured(ClosedHours, 3600)
    made.n[3, 5], made.sum[3, 5], made.squares[3, 5] = 2, 1000, 0
    packed = made.pack(columns)
    assert len(packed["spread"]) == 8
    again, its = table(ClosedHours)
    again.unpack(its, packed)
    np.testing.assert_array_equal(again.squares[:, its], made.squares[:, columns])
