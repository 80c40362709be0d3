"""The conditions that limits must meet; pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

from alerts.errors import InvalidLimitsError
from devices.vitals import VITALS, Vital, VitalSpec
from devices.wire.control import Limit

LONGEST_HOLD_S: Final = 3600


def check_limits(limits: Iterable[Limit]) -> None:
    """Check that limits are possible and do not contradict each other.

    Every vital is known and each (vital, side) is given once.  Levels are plausible for the vital, the high level is beyond
    the medium one, and holds are between 0 and an hour.  The condition of each side can end before the other side begins.

    Raises:
        InvalidLimitsError: they are not so; the message is for the person who typed them.
    """
    sides: dict[tuple[Vital, str], Limit] = {}
    for limit in limits:
        try:
            spec = VITALS[Vital(limit.vital)]
        except ValueError:
            raise InvalidLimitsError(f"There is no vital {limit.vital}.") from None
        if (spec.vital, limit.side) in sides:
            raise InvalidLimitsError(f"{spec.label} has two {limit.side} limits: give one.")
        sides[spec.vital, limit.side] = limit
        _check_levels(limit, spec)
    for (vital, side), low in sides.items():
        high = sides.get((vital, "high"))
        if side == "high" or high is None:
            continue
        bottom, top = inner_level(low), inner_level(high)
        if bottom is None or top is None:
            continue
        if not (bottom + low.hysteresis <= top and top - high.hysteresis >= bottom):
            raise InvalidLimitsError(
                f"{VITALS[vital].label}: between the low limit {bottom:g} and the high limit {top:g} "
                "there is no room for the hysteresis: set the two limits further apart."
            )


def _check_levels(limit: Limit, spec: VitalSpec) -> None:
    name = f"{spec.label} ({limit.side})"
    least, most = spec.plausible
    for level in (limit.medium, limit.high):
        if level is None:
            continue
        if not (math.isfinite(level.limit) and least <= level.limit <= most):
            raise InvalidLimitsError(f"{name}: {level.limit:g} is not between {least:g} and {most:g} {spec.unit}.")
        if not 0 <= level.hold_s <= LONGEST_HOLD_S:
            raise InvalidLimitsError(f"{name}: a hold of {level.hold_s} s is not between 0 and {LONGEST_HOLD_S} s.")
    if not (math.isfinite(limit.hysteresis) and 0 <= limit.hysteresis <= most - least):
        raise InvalidLimitsError(
            f"{name}: a hysteresis of {limit.hysteresis:g} {spec.unit} is not between 0 and {most - least:g}."
        )
    if limit.medium and limit.high:
        beyond = limit.high.limit - limit.medium.limit
        if beyond == 0 or (beyond > 0) != (limit.side == "high"):
            raise InvalidLimitsError(f"{name}: the high-priority limit must be beyond the medium one.")


def inner_level(limit: Limit | None) -> float | None:
    """The level of a limit that values break first: the medium one, or the high one if there is no medium."""
    level = limit and (limit.medium or limit.high)
    return level.limit if level else None
