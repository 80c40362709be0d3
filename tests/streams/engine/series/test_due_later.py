from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from streams.engine.columns.arrays import Ints
from streams.engine.columns.axis import Axis
from streams.engine.series.due_later import DueLater


def put(later: DueLater, at: int, columns: Sequence[int] | Ints, number: int = 0) -> None:
    column = np.array(columns, np.int64)
    later.put(at, column, np.full(len(column), number), np.zeros(len(column), np.int32))


def test_entries_move_with_their_partition_and_go_with_it() -> None:
    axis = Axis()
    later = DueLater(axis)
    first = axis.add(np.repeat([1, 2], 3))
    for number in range(1000):  # a piece a round
        put(later, 50, first[[0, 3]], number)
    put(later, 60, first[:3])
    axis.add(np.repeat(2, 40))  # no room: it moves
    ((at, column, numbers, _),) = later.pack(2)
    assert (at, column.tolist(), numbers.tolist()) == (50, [0] * 1000, list(range(1000)))
    axis.drop(1)
    assert 60 not in later
    column, numbers, _ = later.take(50, None)
    assert column.tolist() == [axis.of(2).start] * 1000
    assert numbers.tolist() == list(range(1000))
    assert 50 not in later


def test_to_move_many_pieces_again_costs_next_to_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    axis = Axis()
    later = DueLater(axis)
    columns = axis.add(np.repeat(np.arange(64), 4))
    for _ in range(1000):
        put(later, 50, columns)
    axis.drop(0)
    monkeypatch.setattr(np, "concatenate", None)  # they were joined when they moved
    axis.drop(1)
    assert len(later.take(50, None)[0]) == 1000 * 62 * 4


def test_entries_are_postponed_and_cleared_by_partition() -> None:
    axis = Axis()
    later = DueLater(axis)
    columns = axis.add(np.repeat([1, 2], 1))
    put(later, 50, columns)
    put(later, 70, columns)
    first = np.arange(64) == 1
    later.postpone(60, first)
    assert later.take(60, None)[0].tolist() == [columns[0]] * 2
    later.clear(~first)
    assert 50 not in later
    assert 70 not in later


def test_packed_entries_come_back_wherever_their_partition_stands() -> None:
    axis, elsewhere = Axis(), Axis()
    later, other = DueLater(axis), DueLater(elsewhere)
    put(later, 50, axis.add(np.repeat(1, 3)), 7)
    elsewhere.add(np.repeat([0, 1], 3))
    other.unpack(1, later.pack(1))
    assert other.take(50, None)[0].tolist() == list(range(elsewhere.of(1).start, elsewhere.of(1).stop))
