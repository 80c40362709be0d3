"""Extremes of windows, kept a block at a time, are those of the cells, whatever was written and read before."""

from __future__ import annotations

import numpy as np
import pytest

from streams.engine.columns.axis import Axis
from streams.engine.series.ring import AHEAD, LONGEST, OK, POOR, ROWS, WINDOWS, Ring, cells_of
from streams.engine.windows.extremes import SLOTS, SPAN, Extremes

START = 1_000_003


@pytest.mark.parametrize("seed", range(6))
def test_they_are_those_of_the_cells_whatever_was_written_and_read_before(seed: int) -> None:
    rng, axis = np.random.default_rng(seed), Axis()
    ring = Ring(axis)
    extremes = Extremes(ring)
    for partition in (0, 1, 2):
        axis.add(np.full(4, partition))
    member = np.zeros(64, np.bool_)
    member[[0, 2]] = True
    turns = [(np.array([0, 1, 2]), None), (np.array([0, 2]), member)]
    looked, silent = 0, range(START + 900, START + 900 + ROWS)  # of a long gap no more is gone through
    later = range(silent.stop + 20_000 - int(rng.integers(0, LONGEST)), silent.stop + 20_060)
    for now in (*range(START, START + 900), *silent, *later):
        partitions, marked = turns[now > START + 600]
        columns, mask = axis.span(partitions, marked)
        ring.forget(now - 1 - LONGEST, columns, mask)
        extremes.begin(now, columns, mask)
        if now == START + 450:  # what a partition was is forgotten
            ring.clear(axis.of(2))
            extremes.forget(axis.of(2))
        if rng.random() < 0.3:
            for window in WINDOWS:
                found = np.array(extremes.over(window, now, columns, mask), np.int64).T
                there = range(columns.start, columns.stop) if mask is None else np.flatnonzero(mask) + columns.start
                for column in there:
                    if column - int(axis.start[axis.owner[column]]) < axis.used[axis.owner[column]]:
                        cells = ring.during(np.arange(now - window, now), np.array([column]))[:, 0]
                        looked += 1
                        assert tuple(found[column - columns.start]) == expected(cells)
        count = int(rng.integers(0, 7)) if now not in silent else 0
        taken = np.concatenate([np.arange(axis.of(p).start, axis.of(p).stop) for p in partitions.tolist()])
        series = rng.choice(taken, count)
        second = now + rng.integers(1 - LONGEST, AHEAD + 1, count) // rng.choice([1, 40])
        cell = cells_of(rng.integers(0, 400, count), rng.random(count) < 0.7, rng.integers(0, 1000, count))
        if count:
            extremes.touch(*ring.write(series, second, cell)[:2])
    assert looked > 1000


def expected(cells: np.ndarray) -> tuple[int, int, int]:
    good = cells[cells >= OK] & 0x7FFF
    poor = int((cells == POOR).sum())
    if good.size:
        return int(good.min()), int(good.max()), poor
    return (POOR if poor and poor == len(cells) else 0x8000), (-32767 if poor else -32768), poor


def test_every_second_that_can_be_written_has_a_block_of_its_own() -> None:
    for now in range(START, START + 2 * SPAN):
        blocks = {second // SPAN for second in range(now - LONGEST + 1, now + AHEAD + 1)}
        assert len({block % SLOTS for block in blocks}) == len(blocks)
