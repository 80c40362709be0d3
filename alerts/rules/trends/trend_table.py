"""The trends of one rule set in fixed point, by vital: the limits of minute means and readings."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Final

import numpy as np

from alerts.rules.limits.bounds import SIDES, SIGN
from devices.vitals import VITALS, Vital
from devices.wire.control import Change, Drift, Rate, Repeated, Slope, Soon, Steady, Trend
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
_NAMES: Final = (
    ("drift_high", "drift_low"),
    ("rising", "falling"),
    ("gain", "loss"),
    ("repeatedly_high", "repeatedly_low"),
    ("rising_fast", "falling_fast"),
    ("soon_high", "soon_low"),
    ("rising_for_days", "falling_for_days"),
)
DRIFT, SLOPE, CHANGE, REPEATED, RATE, SOON, STEADY = range(len(_NAMES))
KIND_OF: Final[Mapping[type[Trend], int]] = {
    Drift: DRIFT, Slope: SLOPE, Change: CHANGE, Repeated: REPEATED, Rate: RATE, Soon: SOON, Steady: STEADY,
}  # fmt: skip
MICRO: Final = 1_000_000
"""Parts of a step in which rates and what will be are compared."""
OFF: Final = 1 << 60
"""In place of an edge that nothing is beyond; a value is beyond its negative always."""


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
    Edges of one side, kept negated for the low one so that beyond is greater: Repeated ``repeated`` and ``repeated_clear``
    (1/256), at least ``times`` of ``of`` values, the oldest no more than ``repeated_s`` s before the newest.  Rate: ``rate``
    and ``rate_clear`` (millionths of a step a minute) and ``rate_from`` (steps).  Soon: ``soon`` and ``soon_clear``
    (millionths of a step) in ``ahead`` s.  Both over ``over`` [kind - RATE, side, code] s.  Steady: ``steady`` millionths of
    a step a day over ``days``, and back within ``steady_back`` steps.
    ``priority`` [kind, side, code].  ``kinds``: those that are on for any vital.
    """

    def __init__(self, trends: Iterable[Trend] = ()) -> None:
        self.limit, self.span, self.bound, self.clear, self.by, self.back, self.within = np.zeros((7, 2, _CODES), np.int64)
        self.slack, self.floor, self.shift = np.zeros((3, _CODES), np.int64)
        self.per_hour = np.zeros((2, _CODES))
        self.repeated, self.repeated_clear, self.rate, self.rate_clear, self.soon, self.soon_clear = np.full(
            (6, 2, _CODES), OFF
        )
        self.steady, self.rate_from = np.full((2, 2, _CODES), OFF)
        self.times, self.of, self.repeated_s, self.ahead, self.days, self.steady_back = np.zeros((6, 2, _CODES), np.int64)
        self.over = np.zeros((2, 2, _CODES), np.int64)
        self.priority: Ints = np.zeros((len(_NAMES), 2, _CODES), np.int64)
        for one in trends:
            if one.vital in VITALS:
                self._put(one, VITALS[Vital(one.vital)].steps, VITALS[Vital(one.vital)].continuous)
        numbers = self.limit, self.span, self.by, self.times, self.over[0], self.over[1], self.days
        self.kinds = {kind for kind, on in enumerate(numbers) if on.any()}

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
        elif isinstance(one, Repeated):
            self._put_repeated(one, steps)
        elif isinstance(one, Rate | Soon) and not continuous:
            self._put_rate(one, steps)
        elif isinstance(one, Steady) and not continuous and _positive(one.per_day):
            side, half = SIDES.index(one.side), one.over_days // 2
            self.steady[side, code] = _ceil(Decimal(repr(one.per_day)) * steps * MICRO)
            self.days[side, code] = 2 * half
            self.steady_back[side, code] = _floor(Decimal(repr(_back(one.hysteresis))) * steps)
            self.priority[STEADY, side, code] = _PRIORITY[one.priority]

    def _put_repeated(self, one: Repeated, steps: int) -> None:
        where = SIDES.index(one.side), one.vital
        self.repeated[where], self.repeated_clear[where] = _edges(one.limit, one.hysteresis, where[0], steps * _ONE)
        self.of[where] = one.of
        self.times[where] = min(one.times, one.of)
        self.repeated_s[where] = min(one.within_h, 24 * 366) * 3600
        self.priority[REPEATED, *where] = _PRIORITY[one.priority]

    def _put_rate(self, one: Rate | Soon, steps: int) -> None:
        where = SIDES.index(one.side), one.vital
        kind = KIND_OF[type(one)]
        self.over[kind - RATE, *where] = one.over_min * 60
        self.priority[kind, *where] = _PRIORITY[one.priority]
        if isinstance(one, Soon):
            self.soon[where], self.soon_clear[where] = _edges(one.limit, one.hysteresis, where[0], steps * MICRO)
            self.ahead[where] = one.ahead_min * 60
            return
        self.rate[where] = _floor(Decimal(repr(one.per_min)) * steps * MICRO)
        self.rate_clear[where] = max(
            _floor(Decimal(repr(one.per_min)) * steps * MICRO)
            - _floor(Decimal(repr(_back(one.hysteresis))) * steps * MICRO),
            0,
        )
        self.rate_from[where] = -OFF if one.beyond is None else _edges(one.beyond, 0.0, where[0], steps)[0]


@lru_cache(1 << 10)
def trend_table(trends: tuple[Trend, ...]) -> TrendTable:
    """The table of some trends: many patients share it.  Nobody changes it."""
    return TrendTable(trends)


def _edges(limit: float, hysteresis: float, side: int, parts: int) -> tuple[int, int]:
    """The greatest signed whole numbers of ``parts`` of a unit that are not beyond a limit, and back inside of it."""
    edge, inside = Decimal(repr(limit)) * SIGN[side] * parts, Decimal(repr(_back(hysteresis))) * parts
    return math.floor(edge), math.floor(edge - inside)


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
