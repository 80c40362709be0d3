"""Skew between the brokers' clock and this host's: an engine that counts by the log's time needs both right."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

LIMIT_S: Final = 5.0
"""Beyond this a skew is reported: brokers need NTP, and so do workers."""
AGAIN_S: Final = 2.5
"""Below this it is over."""


def off_by(before: float, appended: float, after: float) -> float:
    """Seconds by which the brokers' clock surely differs: a record was produced ``before`` and acknowledged ``after`` by our
    clock, and ``appended`` by theirs.  0 where that may have been in between: a slow acknowledgement is no wrong clock.
    """
    return max(appended - after, 0.0) or min(appended - before, 0.0)


class Skew:
    """The last reported clock skew of each owned partition.  A partition just taken has none: its former owner may have
    reported it.
    """

    def __init__(self) -> None:
        self._beyond: dict[int, bool] = {}

    def changes(self, owned: Collection[int], seconds: float | None) -> dict[int, bool]:
        """Partition -> whether a skew begins (or is over) that is not reported yet; ``seconds`` None: nothing is known."""
        self._beyond = {partition: beyond for partition, beyond in self._beyond.items() if partition in owned}
        if seconds is None:
            return {}
        found = {p: abs(seconds) > (AGAIN_S if self._beyond.get(p) else LIMIT_S) for p in owned}
        changes = {p: beyond for p, beyond in found.items() if self._beyond.get(p) != beyond}
        self._beyond |= changes
        return changes
