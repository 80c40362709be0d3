from __future__ import annotations

import numpy as np
import pytest

from streams.engine.columns.arrays import distinct, ends, marked, starts


@pytest.mark.parametrize("values", [[], [3], [3, 3], [3, 3, 1, 1, 1, 3]])
def test_runs_start_and_end_where_the_value_changes(values: list[int]) -> None:
    array = np.array(values, np.int64)
    assert starts(array).tolist() == [k == 0 or values[k - 1] != values[k] for k in range(len(values))]
    assert ends(array).tolist() == [k == len(values) - 1 or values[k + 1] != values[k] for k in range(len(values))]


@pytest.mark.parametrize("mask", [[], [True, True], [True, False, True], [False]])
def test_what_is_marked_is_indexed_and_nothing_is_copied_where_all_is(mask: list[bool]) -> None:
    array, marks = np.arange(len(mask)), np.array(mask, np.bool_)
    assert array[marked(marks)].tolist() == array[marks].tolist()
    assert isinstance(marked(marks), slice) == marks.all()


def test_distinct_columns_are_ascending() -> None:
    assert distinct(np.array([4, 0, 4, 2]), 6).tolist() == [0, 2, 4]
