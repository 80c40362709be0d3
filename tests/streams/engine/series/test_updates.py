from __future__ import annotations

import numpy as np

from streams.engine.columns.axis import Axis
from streams.engine.series.due_later import DueLater


def put(waiting, at, columns, number=0):
    columns = np.array(columns, np.int64)
    waiting.put(at, columns, np.full(len(columns), number), np.zeros(len(columns), np.int32))


def test_what_waits_moves_with_its_partition_and_goes_with_it():
    axis = Axis()
    waiting = DueLater(axis)
    first = axis.add(np.repeat([1, 2], 3))
    for number in range(1000):  # a piece a round
        put(waiting, 50, first[[0, 3]], number)
    put(waiting, 60, first[:3])
    axis.add(np.repeat(2, 40))  # no room: it moves
    column, number, _ = waiting.look(50, 2)
    assert column.tolist() == [axis.of(2).start] * 1000
    assert number.tolist() == list(range(1000))
    axis.drop(1)
    assert waiting.times() == [50]  # of 60 nothing is left
    assert len(waiting.take(50, None)[0]) == 1000
    assert not waiting.times()


def test_to_move_many_pieces_again_costs_next_to_nothing():
    axis = Axis()
    waiting = DueLater(axis)
    columns = axis.add(np.repeat(np.arange(64), 4))
    for _ in range(1000):
        put(waiting, 50, columns)
    axis.drop(0)
    assert len(waiting._pieces[50]) == 1
