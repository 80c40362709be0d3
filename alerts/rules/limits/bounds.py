"""Limits in fixed point, by vital and along the axis of a store."""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache
from typing import Final

import numpy as np

from alerts.rules.parameters import PARAMETER, measuring
from alerts.rules.scheduled import Scheduled
from devices.vitals import VITALS, Vital
from devices.wire.control import Limit
from streams.engine.columns.arrays import Bools, Cells, Ints, Small
from streams.engine.columns.axis import Axis, Columns, array

HIGH, LOW = 0, 1
SIDES: Final = ("high", "low")
MEDIUM, SEVERE = 0, 1
SIGN: Final = (1, -1)
NO_LIMIT: Final = 1 << 20
"""In fixed point, beyond every value."""
HOLE: Final = 60
"""s between two samples that a hold may bridge; three intervals of the device where that is more."""
INTERVALS: Final = 3
_LONGEST_HOLD: Final = 86_400
_CODES: Final = max(VITALS) + 1


class Bounds(Scheduled):
    """Per series; leading axes are [side], or [side, level].  Everything of LOW is kept negated, so that "beyond" is always
    "greater".

    ``limit``, ``clear`` (from here on downwards it is over), ``hold`` s int32; ``active`` bool; ``reported_until`` int64:
    measured second up to which episodes are accounted for; ``reread`` bool: a limit changed.  The run beyond
    (:mod:`alerts.rules.limits.runs`): ``credit`` int32 (0: there is none), ``since`` and ``last`` int64: measured second of
    its first and last sample beyond, ``last_value`` int32, ``at_once`` bool: it needs no hold.  The device: ``hole`` and
    ``spacing`` (between two samples, at least 1) int32 s, ``by_hand`` bool: its values come one by one, one that comes alone
    decides by itself; ``percent`` int32 of a run that are beyond.  Derived: ``inside_limits`` int32 [2]: the values from and
    to which nothing begins or ends.
    """

    limit: Cells = array(np.int32, NO_LIMIT, (2, 2))
    clear: Cells = array(np.int32, NO_LIMIT, (2, 2))
    hold: Cells = array(np.int32, lead=(2, 2))
    active: Bools = array(np.bool_, lead=(2, 2))
    credit: Cells = array(np.int32, lead=(2, 2))
    since: Ints = array(np.int64, lead=(2, 2))
    last: Ints = array(np.int64, lead=(2, 2))
    last_value: Cells = array(np.int32, lead=(2, 2))
    at_once: Bools = array(np.bool_, lead=(2, 2))
    reported_until: Ints = array(np.int64, lead=(2,))
    hole: Cells = array(np.int32, HOLE)
    spacing: Cells = array(np.int32, 1)
    by_hand: Bools = array(np.bool_, True)
    percent: Cells = array(np.int32, 80)
    reread: Bools = array(np.bool_)
    inside_limits: Cells = array(np.int32, -1, (2,))

    def __init__(self, axis: Axis) -> None:
        super().__init__(axis, "limits")

    def most(self, columns: Ints) -> Cells:
        """The most credit int32 [2, 2, n] of the runs of some series: what the samples of one hold can give."""
        samples = self.hold[:, :, columns] // self.spacing[columns] + 1
        found: Cells = samples * (100 - self.percent[columns]) + 1
        return found

    def set_device(self, columns: Ints, interval: Ints) -> None:
        """Take the interval int64 [n] (s, 0: when somebody measures) of the devices of some series."""
        self.hole[columns] = np.maximum(HOLE, INTERVALS * interval)
        self.spacing[columns] = np.maximum(interval, 1)
        self.by_hand[columns] = (interval == 0) | (interval > HOLE)

    def invalidate(self, columns: Ints) -> None:
        """The limits of these series changed: their runs are read again at the next evaluation."""
        self.inside_limits[:, columns] = -1
        self.reread[columns] = True


class Stands(Columns):
    """Per patient: ``level`` int8 [side, parameter code]: the priority of the condition that stands, or 0."""

    level: Small = array(np.int8, lead=(2, _CODES))


class Table:
    """The limits of one rule set, or one patient, by vital: int32 [side, level, vital code]; ``named`` bool [side, code].
    ``written`` float64: each limit in its unit, as a person wrote it; NaN: none.

    What a limit says of one vital holds for all that measure its parameter (:mod:`alerts.rules.parameters`); of a side that
    has several, that of the parameter's own vital counts.
    """

    def __init__(self, limits: Iterable[Limit]) -> None:
        self.limit = np.full((2, 2, _CODES), NO_LIMIT, np.int32)
        self.clear = np.full((2, 2, _CODES), NO_LIMIT, np.int32)
        self.hold = np.zeros((2, 2, _CODES), np.int32)
        self.written = np.full((2, 2, _CODES), np.nan)
        self.named = np.zeros((2, _CODES), np.bool_)
        known = [one for one in limits if one.vital in VITALS]
        for one in sorted(known, key=lambda each: bool(PARAMETER[each.vital] == each.vital)):
            for vital in measuring([one.vital]).tolist():
                self._put(one, vital)

    def _put(self, one: Limit, vital: int) -> None:
        side, steps = SIDES.index(one.side), VITALS[Vital(vital)].steps
        mark = steps // 10 ** VITALS[Vital(vital)].decimals if one.chart else 1
        self.named[side, vital] = True
        for level, wanted in ((MEDIUM, one.medium), (SEVERE, one.high)):
            self.limit[side, level, vital] = self.clear[side, level, vital] = NO_LIMIT
            self.written[side, level, vital] = np.nan
            if wanted is not None and math.isfinite(wanted.limit):
                self.written[side, level, vital] = wanted.limit
                inside = SIGN[side] * max(one.hysteresis, 0.0)
                self.limit[side, level, vital] = _fixed(wanted.limit, 0.0, steps, SIGN[side], mark)
                self.clear[side, level, vital] = _fixed(wanted.limit, inside, steps, SIGN[side], mark)
                self.hold[side, level, vital] = min(max(wanted.hold_s, 0), _LONGEST_HOLD)

    def over(self, own: Table) -> Table:
        """The table where ``own`` names nothing."""
        out = Table(())
        for field in ("limit", "clear", "hold", "written"):
            getattr(out, field)[:] = np.where(own.named[:, None], getattr(own, field), getattr(self, field))
        return out


@lru_cache(256)
def table_of(limits: tuple[Limit, ...]) -> Table:
    """The table of some limits: partitions share their rule set.  Nobody changes it."""
    return Table(limits)


def _fixed(limit: float, inside: float, steps: int, sign: int, mark: int) -> int:
    """The greatest signed fixed-point value not beyond ``limit - inside``: exact in decimal, as a person wrote it.

    ``mark``: the steps of one mark of the chart to which a value is rounded first, half-even; 1 where it is not.
    """
    if not math.isfinite(inside):
        inside = 0.0
    edge = (Decimal(repr(limit)) - Decimal(repr(inside))) * steps * sign
    last = math.floor(edge / mark)
    if mark > 1:
        tie = 0 if mark % 2 else last % 2  # half a mark further is still the last mark if that is even
        last = last * mark + mark // 2 - tie
    return max(-NO_LIMIT, min(NO_LIMIT, last))
