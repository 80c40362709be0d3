"""Slices of an axis grow, move and go; what stands in them comes along."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.engine.columns.arrays import Cells, Ints
from streams.engine.columns.axis import Axis, Columns, array


class Numbers(Columns):
    one: Ints = array(np.int64, -1)
    three: Cells = array(np.int32, 7, (3,))
    two: Ints = array(np.int64, 0, (2,))


growth = st.tuples(st.integers(0, 5), st.integers(1, 60))
steps = st.lists(st.one_of(growth, st.tuples(st.integers(0, 5), st.just(0))), min_size=1, max_size=60)


@given(steps)
def test_columns_keep_what_they_hold_and_free_ones_hold_nothing(steps: list[tuple[int, int]]) -> None:
    axis = Axis()
    table = Numbers(axis, "numbers")
    held: dict[int, list[int]] = {}
    where: dict[int, int] = {}
    axis.on_move(lambda moved: where.update({name: int(moved[at]) for name, at in where.items()}))
    for number, (partition, count) in enumerate(steps):
        if count == 0:
            axis.drop(partition)
            assert all(where.pop(name) == -1 for name in held.pop(partition, []))
            continue
        names = [number * 100 + one for one in range(count)]
        columns = axis.add(np.full(count, partition))
        table.one[columns], table.three[:, columns], table.two[:, columns] = names, names, names
        held.setdefault(partition, []).extend(names)
        where |= dict(zip(names, columns.tolist(), strict=True))
    taken = np.zeros(axis.width, bool)
    for partition, names in held.items():
        its = axis.of(partition)
        taken[its] = True
        assert table.one[its].tolist() == names
        assert table.three[:, its].tolist() == [names] * 3
        assert table.two[:, its].tolist() == [names] * 2
        assert [where[name] for name in names] == list(range(its.start, its.stop))
        assert (axis.owner[its] == partition).all()
    assert (table.one[~taken] == -1).all()
    assert (table.three[:, ~taken] == 7).all()
    assert (table.two[:, ~taken] == 0).all()


def test_slices_move_together_where_they_stand_before_memory_is_asked_for() -> None:
    axis = Axis()
    table = Numbers(axis, "numbers")
    for partition in range(16):
        axis.add(np.full(1000, partition))
    for partition in range(0, 16, 2):
        axis.drop(partition)
    table.one[axis.of(15)] = np.arange(1000)
    width, array = axis.width, table.one
    axis.add(np.full(3000, 20))
    assert (axis.width, table.one is array) == (width, True)
    assert table.one[axis.of(15)].tolist() == list(range(1000))


def test_arrays_grow_where_they_stand_unless_somebody_holds_them() -> None:
    axis = Axis()
    table = Numbers(axis, "numbers")
    axis.add(np.full(1000, 3))
    table.three[:, axis.of(3)] = np.arange(1000)
    same, held, width = id(table.three), table.one, axis.width
    axis.add(np.full(5000, 4))
    assert axis.width > width
    assert id(table.three) == same
    assert table.three[:, axis.of(3)].tolist() == [list(range(1000))] * 3
    assert len(held) == width
    assert len(table.one) == axis.width
