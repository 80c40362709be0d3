"""Mean, standard deviation and slope from exact sums."""

from __future__ import annotations

import numpy as np

from streams.engine.columns.arrays import Floats, Ints


def statistics(n: Ints, v: Ints, vv: Ints, st: Ints, stt: Ints, stv: Ints, steps: Floats) -> tuple[Floats, Floats, Floats]:
    """(mean, std, slope) float64 in units from exact sums; every product is below 2**63."""
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = v / n / steps
        std = np.where(n > 1, np.sqrt((n * vv - v * v) / (n * (n - 1))), np.nan) / steps
        spread = n * stt - st * st
        slope = np.where(spread > 0, (n * stv - st * v) / spread, np.nan) / steps
    return mean, std, slope
