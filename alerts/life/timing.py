"""Waiting times of each priority: until it repeats, until it returns, on a shelf, after its end.

Sources: reference "Alarm life cycle that people ask for" (ISA-18.2, IEC 60601-1-8 vocabulary); escalation after 60 s is
the proposed service level.  The other figures are Vigil's own choices, meant to be measured (docs/decisions/0031).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from streams.engine.condition import Priority

_MINUTE, _HOUR = 60, 3600


@dataclass(frozen=True, slots=True)
class Timing:
    """All in seconds.

    ``repeat_s``: the time from one call to the next while nobody acts; ``None``: it never calls, it is only listed.
    ``return_s``: until an acknowledged alarm without outcome returns, while its condition lasts.
    ``shelf_s``: the longest shelf.  ``linger_s``: from the end of its condition until an unacknowledged alarm closes;
    ``None``: it latches.  A new onset in this time is the same alarm.
    """

    repeat_s: int | None
    return_s: int
    shelf_s: int
    linger_s: int | None


RESTART_S: Final = 5 * _MINUTE
"""An acknowledged alarm closes so long after its end.  A new onset before is the same alarm and silent: as long as an alarm
that nobody has taken lingers, so that to act never makes an alarm that flaps call more often."""
TIMINGS: Final[dict[Priority, Timing]] = {
    Priority.HIGH: Timing(repeat_s=60, return_s=30 * _MINUTE, shelf_s=_HOUR, linger_s=None),
    Priority.MEDIUM: Timing(repeat_s=5 * _MINUTE, return_s=2 * _HOUR, shelf_s=8 * _HOUR, linger_s=5 * _MINUTE),
    Priority.LOW: Timing(repeat_s=None, return_s=8 * _HOUR, shelf_s=24 * _HOUR, linger_s=12 * _HOUR),
}
