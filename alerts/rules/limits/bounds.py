"""Limits in fixed point, by vital and along the axis of a store."""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache
from typing import Final

import numpy as np

from alerts.rules.scheduled import Scheduled
from devices.vitals import VITALS, Vital
from devices.wire.control import Limit
from streams.engine.columns.arrays import Bools, Cells, Ints
from streams.engine.columns.axis import Axis, array

HIGH, LOW = 0, 1
SIDES: Final = ("high", "low")
MEDIUM, SEVERE = 0, 1
SIGN: Final = (1, -1)
NO_LIMIT: Final = 1 << 20
"""In fixed point, beyond every value."""
HOLE: Final = 60
"""s between two samples that a hold may bridge; three intervals of the device where that is more."""
_LONGEST_HOLD: Final = 86_400
_CODES: Final = max(VITALS) + 1


class Bounds(Scheduled):
    """Per series; leading axes are [side], or [side, level].  Everything of LOW is kept negated, so that "beyond" is always
    "greater".

    ``limit``, ``clear`` (from here on downwards it is over), ``hold`` s int32; ``since`` int64: measured second in which the
    run beyond began; ``active`` bool; ``reported_until`` int64: measured second up to which episodes are accounted for;
    ``hole`` int32 s; ``reread`` bool: a limit changed.  Derived: ``inside_limits`` int32 [2]: the values from and to which
    nothing begins or ends.
    """

    limit: Cells = array(np.int32, NO_LIMIT, (2, 2))
    clear: Cells = array(np.int32, NO_LIMIT, (2, 2))
    hold: Cells = array(np.int32, lead=(2, 2))
    since: Ints = array(np.int64, lead=(2, 2))
    active: Bools = array(np.bool_, lead=(2, 2))
    reported_until: Ints = array(np.int64, lead=(2,))
    hole: Cells = array(np.int32, HOLE)
    reread: Bools = array(np.bool_)
    inside_limits: Cells = array(np.int32, -1, (2,))

    def __init__(self, axis: Axis) -> None:
        super().__init__(axis, "limits")

    def invalidate(self, columns: Ints) -> None:
        """The limits of these series changed: their runs are read again at the next evaluation."""
        self.inside_limits[:, columns] = -1
        self.reread[columns] = True


class Table:
    """The limits of one rule set, or one patient, by vital: int32 [side, level, vital code]; ``named`` bool [side, code]."""

    def __init__(self, limits: Iterable[Limit]) -> None:
        self.limit = np.full((2, 2, _CODES), NO_LIMIT, np.int32)
        self.clear = np.full((2, 2, _CODES), NO_LIMIT, np.int32)
        self.hold = np.zeros((2, 2, _CODES), np.int32)
        self.named = np.zeros((2, _CODES), np.bool_)
        for one in limits:
            if one.vital in VITALS:
                self._put(one)

    def _put(self, one: Limit) -> None:
        side, steps = SIDES.index(one.side), VITALS[Vital(one.vital)].steps
        self.named[side, one.vital] = True
        for level, wanted in ((MEDIUM, one.medium), (SEVERE, one.high)):
            self.limit[side, level, one.vital] = self.clear[side, level, one.vital] = NO_LIMIT
            if wanted is not None and math.isfinite(wanted.limit):
                inside = SIGN[side] * max(one.hysteresis, 0.0)
                self.limit[side, level, one.vital] = _fixed(wanted.limit, 0.0, steps, SIGN[side])
                self.clear[side, level, one.vital] = _fixed(wanted.limit, inside, steps, SIGN[side])
                self.hold[side, level, one.vital] = min(max(wanted.hold_s, 0), _LONGEST_HOLD)

    def over(self, own: Table) -> Table:
        """This table where ``own`` names nothing."""
        out = Table(())
        for field in ("limit", "clear", "hold"):
            getattr(out, field)[:] = np.where(own.named[:, None], getattr(own, field), getattr(self, field))
        return out


@lru_cache(256)
def table_of(limits: tuple[Limit, ...]) -> Table:
    """The table of some limits: partitions share their rule set.  Nobody changes it."""
    return Table(limits)


def _fixed(limit: float, inside: float, steps: int, sign: int) -> int:
    """The greatest signed fixed-point value not beyond ``limit - inside``: exact in decimal, as a person wrote it."""
    if not math.isfinite(inside):
        inside = 0.0
    edge = (Decimal(repr(limit)) - Decimal(repr(inside))) * steps * sign
    return max(-NO_LIMIT, min(NO_LIMIT, math.floor(edge)))
