"""The value that counts of several devices' newest ones: what the rules judge, and so what a screen shows; pure.

A value is usable if its status is OK.  The newest usable one counts by its measured time, however many unusable ones came
after it; of two of the same time, that of the lower device number.  Where the rule set has a preference for the vital, the
first device in the order of enrolment counts alone until ``hold_s`` after its newest usable value
(:mod:`alerts.rules.sources`).  The stages of the engine do the same with arrays; a test compares the two.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from devices.sample import Status


class Measured(Protocol):
    """``at``: measured, ms since the epoch."""

    @property
    def at(self) -> int: ...
    @property
    def device(self) -> int: ...
    @property
    def status(self) -> int: ...
    @property
    def value(self) -> float | None: ...


M = TypeVar("M", bound=Measured)


def usable(one: Measured) -> bool:
    """True if rules may judge by this value."""
    return one.status == Status.OK and one.value is not None and math.isfinite(one.value)


def newest_usable(values: Iterable[M], *, now: int = 0, ranked: Sequence[int] = (), hold_s: int = 0) -> M | None:
    """The value of one vital that counts at ``now`` (ms); ``None`` if none is usable, however old.

    ``ranked``: the patient's devices in the order of enrolment; ``hold_s``: of the preference, 0 without one.
    """
    found = [one for one in values if usable(one)]
    if hold_s:
        live = [one for one in found if now - one.at <= hold_s * 1000]
        order = {device: rank for rank, device in reversed(list(enumerate(ranked)))}
        best = min((order.get(one.device, len(ranked)) for one in live), default=None)
        if best is not None:
            found = [one for one in found if order.get(one.device, len(ranked)) == best]
    return max(found, key=lambda one: (one.at, -one.device), default=None)
