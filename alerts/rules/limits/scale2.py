"""SpO2 limits of a patient for whom NEWS2's scale 2 is prescribed (RCP 2017, chart 1: target 88-92 %).

What scores 3 there is *high*: 83 % or less, and on oxygen 97 % or more.  On air, or where the oxygen supply is not known,
no high saturation counts.  They stand in place of the rule set's SpO2 limits, where it has any; a patient's own limits
come before both.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from devices.vitals import Vital
from devices.wire.control import Facts, Level, Limit

_LOW: Final = Limit(Vital.SPO2, "low", None, Level(84, 15), 1.0, chart=True)
_ON_OXYGEN: Final = Limit(Vital.SPO2, "high", None, Level(96, 60), 1.0, chart=True)


def for_scale(limits: Iterable[Limit], facts: Facts | None) -> tuple[Limit, ...]:
    """The limits of a rule set for a patient of whom ``facts`` are known."""
    found = tuple(limits)
    if facts is None or facts.spo2_scale == 1 or all(one.vital != Vital.SPO2 for one in found):
        return found
    rest = tuple(one for one in found if one.vital != Vital.SPO2)
    return (*rest, _LOW, _ON_OXYGEN) if facts.oxygen else (*rest, _LOW)
