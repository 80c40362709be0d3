"""Virtual time: what happens next, and the seeded chance that decides it."""

from __future__ import annotations

import heapq
import random
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tests.simulation.log import Log

START_MS: Final = 1_790_000_020_000
"""When every simulation begins: 40 s into a minute of the year 2026."""


class Scheduler:
    """Events in order of time, then of their making.  ``now`` is µs since the beginning; the world sets ``log``."""

    log: Log

    def __init__(self, seed: int, *, keep: int | None = 400) -> None:
        self.seed, self.now = seed, 0
        self.lines: list[str] = []
        self._keep = keep
        self._events: list[tuple[int, int, Callable[[], object]]] = []
        self._made = 0
        self._digest = 0
        self.nonces = self.chance("nonces")

    def chance(self, name: str) -> random.Random:
        """A source of its own for each concern: one more draw here changes nothing there."""
        return random.Random(f"{self.seed}:{name}")

    @property
    def seconds(self) -> float:
        """The monotonic clock of everything simulated."""
        return self.now / 1e6

    @property
    def ms(self) -> int:
        """True time, ms since the epoch."""
        return START_MS + self.now // 1000

    def at(self, when: int, action: Callable[[], object]) -> None:
        self._made += 1
        heapq.heappush(self._events, (max(when, self.now), self._made, action))

    def after(self, seconds: float, action: Callable[[], object]) -> None:
        self.at(self.now + round(seconds * 1e6), action)

    def every(self, seconds: float, action: Callable[[], object]) -> None:
        """Again and again, first after ``seconds``."""

        def again() -> None:
            action()
            self.after(seconds, again)

        self.after(seconds, again)

    def run(self, until: float, done: Callable[[], bool] | None = None) -> bool:
        """Go on until ``until`` (s), or until ``done()`` holds after an event; whether it came to hold."""
        end = round(until * 1e6)
        while self._events and self._events[0][0] <= end:
            self.now, _, action = heapq.heappop(self._events)
            action()
            if done is not None and done():
                return True
        self.now = max(self.now, end)
        return False

    def note(self, who: str, what: str) -> None:
        """One line of the trace."""
        line = f"{self.now / 1e6:9.3f}  {who:<10}  {what}"
        self._digest = hash_line(self._digest, line)
        self.lines.append(line)
        if self._keep is not None and len(self.lines) > 2 * self._keep:
            del self.lines[: -self._keep]

    @property
    def digest(self) -> str:
        """Of the whole trace, kept or not."""
        return f"{self._digest:08x}"


def hash_line(digest: int, line: str) -> int:
    return zlib.crc32(line.encode(), digest)
