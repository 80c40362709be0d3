"""The scale of each chart: equal shapes have equal meanings, until something lies beyond."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

SCALES: Final[dict[str, tuple[float, float, tuple[float, ...]]]] = {
    "hr": (30, 150, (60, 90, 120)),
    "spo2": (82, 100, (88, 92, 96, 100)),
    "rr": (4, 34, (10, 20, 30)),
    "bp": (40, 200, (50, 100, 150, 200)),
    "temp": (34.5, 40.5, (36, 37, 38, 39)),
}
"""The usual (bottom, top, ticks)."""
_MARGIN: Final = 0.04


def axis_of(key: str, shown: Iterable[float | None]) -> dict[str, list[float]]:
    """The range and the ticks of a chart, in which every value and limit of ``shown`` lies with a margin."""
    usual = bottom, top, ticks = SCALES[key]
    margin, step = (top - bottom) * _MARGIN, ticks[1] - ticks[0]
    known = [value for value in shown if value is not None]
    bottom = min([bottom, *(value - margin for value in known)])
    top = max([top, *(value + margin for value in known)])
    if (bottom, top) == usual[:2]:
        return {"range": [bottom, top], "ticks": list(ticks)}
    first = ticks[0] - step * math.floor((ticks[0] - bottom) / step) if bottom < ticks[0] - step else ticks[0]
    count = math.floor((top - first) / step) + 1
    every = [first + step * i for i in range(count) if key != "spo2" or first + step * i <= 100]
    thinned = every[:: math.ceil(len(every) / 6)]
    return {"range": [round(bottom, 2), round(top, 2)], "ticks": thinned}
