"""Rolling figures of some series, as whole numbers: mean, median and share beyond a limit, each against a limit; pure.

The last minute and the last five come from the cells of the ring, second by second; the last hour from its closed minutes,
the last 4 and 24 hours from sums of hours.  There the mean is of all values; the median and the share are of the minutes'
means, or the hours', each in 1/256 of a step, rounded down.  All
comparisons are of integers: a figure is beyond its limit or it is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final

import numpy as np

from alerts.rules.limits.bounds import SIDES, SIGN
from devices.vitals import VITALS, Vital
from devices.wire.control import Rolling
from streams.engine.columns.arrays import Bools, Cells, Floats, Ints
from streams.engine.series.ring import OK

MEAN, MEDIAN, SHARE = range(3)
FIGURES: Final = ("mean", "median", "share")
WINDOWS: Final = {60: "1min", 300: "5min", 3600: "1h", 14_400: "4h", 86_400: "24h"}
_FRACTION: Final = 8
_MISSING: Final = 1 << 20


def rule_name(vital: int, side: int, figure: int, window: int) -> str:
    """The rule of a figure, like "spo2.low_mean_5min"; ``window`` is a place in :data:`WINDOWS`."""
    return f"{VITALS[Vital(vital)].column}.{SIDES[side]}_{FIGURES[figure]}_{list(WINDOWS.values())[window]}"


@dataclass(frozen=True, slots=True)
class Beyond:
    """For some series: ``begins`` and ``stays`` bool [n]: the figure is beyond the limit, and not back inside; ``n`` int64
    [n] seconds with a value; ``figure`` float64 [n] as people are shown it, a share in percent.
    """

    begins: Bools
    stays: Bools
    n: Ints
    figure: Floats


def of_cells(rule: Rolling, cells: Cells) -> Beyond:
    """The figure of cells int32 [seconds, n] of the ring."""
    steps, sign = VITALS[Vital(rule.vital)].steps, SIGN[SIDES.index(rule.side)]
    good = cells >= OK
    value = cells.astype(np.int64) & 0x7FFF
    n = good.sum(0)
    if rule.figure == "share":
        edge = Fraction(Decimal(repr(rule.limit))) * steps * sign
        beyond = 100 * (good & (value * sign > edge.numerator // edge.denominator)).sum(0)
        figure = beyond / np.maximum(n, 1)
        return Beyond(beyond >= rule.share * n, beyond > (rule.share - rule.hysteresis) * n, n, figure)
    if rule.figure == "median":
        ranked = np.sort(np.where(good, value, _MISSING), axis=0)
        at = np.arange(cells.shape[1])
        twice = ranked[np.maximum(n - 1, 0) // 2, at] + ranked[np.minimum(n // 2, len(ranked) - 1), at]
        return _against(rule, twice, np.full_like(n, 2), n, sign, steps)
    return _against(rule, np.where(good, value, 0).sum(0), n, n, sign, steps)


def of_slots(rule: Rolling, counts: Ints, totals: Ints) -> Beyond:
    """The figure of minutes or hours: ``counts`` of seconds with a value and their ``totals`` int64 [slots, n]."""
    steps, sign = VITALS[Vital(rule.vital)].steps, SIGN[SIDES.index(rule.side)]
    n = counts.sum(0)
    if rule.figure == "mean":
        return _against(rule, totals.sum(0), n, n, sign, steps)
    there = counts > 0
    mean, slots = (totals << _FRACTION) // np.maximum(counts, 1), there.sum(0)
    if rule.figure == "share":
        edge = Fraction(Decimal(repr(rule.limit))) * (steps << _FRACTION) * sign
        beyond = 100 * (there & (mean * sign > edge.numerator // edge.denominator)).sum(0)
        begins = (beyond >= rule.share * slots) & (slots > 0)
        return Beyond(begins, beyond > (rule.share - rule.hysteresis) * slots, n, beyond / np.maximum(slots, 1))
    ranked = np.sort(np.where(there, mean, 1 << 40), axis=0)
    at = np.arange(counts.shape[1])
    twice = ranked[np.maximum(slots - 1, 0) // 2, at] + ranked[np.minimum(slots // 2, len(ranked) - 1), at]
    return _against(rule, np.where(slots > 0, twice, 0), np.full_like(n, 2 << _FRACTION), n, sign, steps)


def _against(rule: Rolling, total: Ints, parts: Ints, n: Ints, sign: int, steps: int) -> Beyond:
    """``total`` divided by ``parts`` against the limit, exact in fractions."""
    limit, inside = Fraction(Decimal(repr(rule.limit))), sign * Fraction(Decimal(repr(rule.hysteresis)))
    begins, stays = (
        total * sign * edge.denominator > edge.numerator * sign * parts for edge in (limit * steps, (limit - inside) * steps)
    )
    return Beyond(begins, stays, n, total / (np.maximum(parts, 1) * steps))
