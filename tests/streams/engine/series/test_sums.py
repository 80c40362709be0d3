from __future__ import annotations

import numpy as np
import pytest

from streams.engine.series.ring import MISS, OK, POOR, cells_of
from streams.engine.series.rollup import rollup
from streams.engine.series.sums import sums_of


@pytest.mark.parametrize("density", [0, 0.003, 0.02, 0.1, 0.16, 0.17, 0.2, 0.6, 1])
def test_sums_are_those_of_the_cells_however_many_hold_anything(density: float) -> None:
    rng = np.random.default_rng(int(1000 * density))
    cells = cells_of(rng.integers(0, 3000, (60, 300)), rng.random((60, 300)) < 0.8, rng.integers(0, 1000, (60, 300)))
    cells[rng.random((60, 300)) >= density] = MISS
    cells[:, :3] = MISS, POOR, POOR
    found = sums_of(cells)
    for k, column in enumerate(cells.T.tolist()):
        points = [(t, cell & 0x7FFF) for t, cell in enumerate(column) if cell >= OK]
        values = [v for _, v in points]
        wanted = (
            len(points), column.count(POOR), sum(values), sum(v * v for v in values), sum(t for t, _ in points),
            sum(t * t for t, _ in points), sum(t * v for t, v in points),
        )  # fmt: skip
        assert tuple(int(getattr(found, name)[k]) for name in ("n", "poor", "v", "vv", "t", "tt", "tv")) == wanted
        ends = tuple(int(getattr(found, name)[k]) for name in ("low", "high", "first", "last"))
        if values:
            assert ends == (min(values), max(values), values[0], values[-1])
        else:
            assert ends[0] >= MISS and ends[1] < 0
    some, steps = rng.random(300) < 0.5, np.full(300, 10.0)
    alone = rollup(sums_of(cells[:, some]), steps[some])
    assert rollup(found.some(some), steps[some]).tobytes() == alone.tobytes()
