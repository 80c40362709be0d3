"""Whether the brokers' clock and this host's agree: an engine that counts by the log's time needs both right."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

LIMIT_S: Final = 5.0
"""They may differ by so much before it is said: brokers need NTP, and so do workers."""
AGAIN_S: Final = 2.5
"""Below this it is over."""


def off_by(before: float, appended: float, after: float) -> float:
    """Seconds by which the brokers' clock surely differs: a record was produced ``before`` and acknowledged ``after`` by our
    clock, and ``appended`` by theirs.  0 where that may have been in between: a slow acknowledgement is no wrong clock.
    """
    return max(appended - after, 0.0) or min(appended - before, 0.0)


class Skew:
    """What is said of each partition that is owned.  Of one just taken nothing is: who had it before may have spoken."""

    def __init__(self) -> None:
        self._said: dict[int, bool] = {}

    def news(self, owned: Collection[int], seconds: float | None) -> dict[int, bool]:
        """Partition -> whether it begins (or is over), where that is not said yet; ``seconds`` None: nothing is known."""
        self._said = {partition: said for partition, said in self._said.items() if partition in owned}
        if seconds is None:
            return {}
        found = {p: abs(seconds) > (AGAIN_S if self._said.get(p) else LIMIT_S) for p in owned}
        news = {p: beyond for p, beyond in found.items() if self._said.get(p) != beyond}
        self._said |= news
        return news
