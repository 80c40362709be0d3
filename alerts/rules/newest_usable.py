"""The value that counts of several devices' newest ones: what the rules judge, and so what a screen shows; pure.

A value is usable if its status is OK.  Of the values of one parameter, whichever unusable ones came after them, that of the
source which decides counts (:mod:`alerts.rules.sources`).  The stages of the engine do the same with arrays; a test compares
the two.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Protocol, TypeVar

from alerts.rules.limits.bounds import HOLE
from devices.sample import Status
from devices.vitals import VITALS, Vital
from devices.wire.control import Preference

_INTERVALS = 2


class Measured(Protocol):
    """``at``: measured, ms since the epoch."""

    @property
    def at(self) -> int: ...
    @property
    def device(self) -> int: ...
    @property
    def vital(self) -> int: ...
    @property
    def status(self) -> int: ...
    @property
    def value(self) -> float | None: ...


M = TypeVar("M", bound=Measured)


def usable(one: Measured) -> bool:
    """True if rules may judge by this value."""
    return one.status == Status.OK and one.value is not None and math.isfinite(one.value)


def hold_of(prefer: Mapping[int, int], vital: int) -> int:
    """Seconds for which a vital holds to its source; ``prefer``: what the rule set says, by vital."""
    return prefer.get(vital, Preference(0).hold_s if VITALS[Vital(vital)].continuous else 0)


def newest_usable(
    values: Iterable[M], *, now: int = 0, intervals: Mapping[int, int] | None = None, prefer: Mapping[int, int] | None = None
) -> M | None:
    """The value of one parameter that counts at ``now`` (ms); ``None`` if none is usable, however old.

    ``intervals``: how often the patient's devices report (s), in the order of the enrolment; ``prefer``: holds by vital (s).
    """
    every, holds = intervals or {}, prefer or {}
    places = {device: place for place, device in enumerate(every)}

    def rank(one: M) -> tuple[bool, bool, bool, int, int]:
        slow = not 0 < every.get(one.device, 0) <= HOLE
        place = places.get(one.device, len(places))
        return (one.device != 0, slow, one.vital == Vital.PULSE_RATE, place, one.device)

    def live(one: M) -> bool:
        hold = hold_of(holds, one.vital)
        return hold > 0 and now - one.at <= max(hold, _INTERVALS * every.get(one.device, 0)) * 1000

    found = sorted((one for one in values if usable(one)), key=rank)
    first = next((one for one in found if live(one)), None)
    return first or max(found, key=lambda one: one.at, default=None)
