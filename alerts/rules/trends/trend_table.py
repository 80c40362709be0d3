"""The trends of one rule set in fixed point, by vital: the limits of minute means and readings."""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

import numpy as np

from alerts.rules.limits.bounds import SIDES
from devices.vitals import VITALS, Vital
from devices.wire.control import Change, Drift, Slope, Trend
from streams.engine.columns.arrays import Ints
from streams.engine.condition import Priority

FRACTION: Final = 8
"""Bits behind the point of a minute mean in fixed point, of standard deviations and of their multiples."""
_ONE: Final = 1 << FRACTION
_CODES: Final = max(VITALS) + 1
_GREATEST: Final = 1 << 40
_SHIFTS: Final = (4, 14)
_SPANS: Final = (2, 60)
_PRIORITY: Final = {"high": Priority.HIGH, "medium": Priority.MEDIUM, "low": Priority.LOW}
_NAMES: Final = (("drift_high", "drift_low"), ("rising", "falling"), ("gain", "loss"))
DRIFT, SLOPE, CHANGE = range(len(_NAMES))


def rule_name(vital: int, kind: int, side: int) -> str:
    """The rule of a vital's trend, like "heart_rate.drift_high", "spo2.falling" or "weight.gain"."""
    return f"{VITALS[Vital(vital)].column}.{_NAMES[kind][side]}"


def is_trend(rule: str) -> bool:
    """Return whether :func:`rule_name` gave this name."""
    return any(rule.rpartition(".")[2] in pair for pair in _NAMES)


class TrendTable:
    """int64 by [side, vital code], 0 in ``limit``: off.

    Drift: ``limit`` in 1/256 standard deviations times minutes; by [code] ``slack`` and ``floor`` in 1/256, ``shift``: the
    baseline takes 1/2**shift of each minute.  Slope: ``span`` minutes, even; twice the median difference of two minutes
    half a span apart (in 1/256) is beyond when greater than ``bound``, and stays so until not greater than ``clear``;
    ``per_hour`` as written.  Change: at least ``by``, until below ``back``, within ``within`` s.
    ``priority`` [kind, side, code].  ``kinds``: those that are on for any vital.
    """

    def __init__(self, trends: Iterable[Trend] = ()) -> None:
        self.limit, self.span, self.bound, self.clear, self.by, self.back, self.within = np.zeros((7, 2, _CODES), np.int64)
        self.slack, self.floor, self.shift = np.zeros((3, _CODES), np.int64)
        self.per_hour = np.zeros((2, _CODES))
        self.priority: Ints = np.zeros((len(_NAMES), 2, _CODES), np.int64)
        for one in trends:
            if one.vital in VITALS:
                self._put(one, VITALS[Vital(one.vital)].steps, VITALS[Vital(one.vital)].continuous)
        self.kinds = {kind for kind, on in ((DRIFT, self.limit), (SLOPE, self.span), (CHANGE, self.by)) if on.any()}

    def _put(self, one: Trend, steps: int, continuous: bool) -> None:
        code = one.vital
        if isinstance(one, Drift) and continuous and _positive(one.limit):
            self.slack[code] = _fixed(max(one.slack, 0.0), 1, _ONE)
            self.floor[code] = max(_fixed(max(one.floor, 0.0), steps, _ONE), 1)
            self.shift[code] = min(max(max(one.baseline_min, 1).bit_length() - 1, _SHIFTS[0]), _SHIFTS[1])
            for side in map(SIDES.index, one.sides):
                self.limit[side, code] = max(_fixed(one.limit, 1, _ONE), 1)
                self.priority[DRIFT, side, code] = _PRIORITY[one.priority]
        elif isinstance(one, Slope) and continuous and _positive(one.per_hour):
            side = SIDES.index(one.side)
            half = min(max(one.window_min, _SPANS[0]), _SPANS[1]) // 2
            inside = max(Decimal(repr(one.per_hour)) - Decimal(repr(_back(one.hysteresis))), Decimal(0))
            self.span[side, code], self.per_hour[side, code] = 2 * half, one.per_hour
            self.bound[side, code] = _floor(Decimal(repr(one.per_hour)) * steps * 2 * _ONE * half / 60)
            self.clear[side, code] = _floor(inside * steps * 2 * _ONE * half / 60)
            self.priority[SLOPE, side, code] = _PRIORITY[one.priority]
        elif isinstance(one, Change) and not continuous and _positive(one.by):
            side = SIDES.index(one.side)
            self.by[side, code] = max(_ceil(Decimal(repr(one.by)) * steps), 1)
            inside = Decimal(repr(one.by)) - Decimal(repr(_back(one.hysteresis)))
            self.back[side, code] = max(_ceil(inside * steps), 1)
            self.within[side, code] = min(max(one.within_h, 0), 24 * 366) * 3600
            self.priority[CHANGE, side, code] = _PRIORITY[one.priority]


def _back(hysteresis: float) -> float:
    return max(hysteresis, 0.0) if math.isfinite(hysteresis) else 0.0


def _positive(value: float) -> bool:
    return math.isfinite(value) and value > 0


def _fixed(value: float, steps: int, one: int) -> int:
    return min(_floor(Decimal(repr(value)) * steps * one), _GREATEST) if math.isfinite(value) else _GREATEST


def _floor(value: Decimal) -> int:
    return min(math.floor(value), _GREATEST)


def _ceil(value: Decimal) -> int:
    return min(math.ceil(value), _GREATEST)
