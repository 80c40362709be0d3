"""The time by which an MQTT device's clock is ahead, learned from the time that each of its messages was sent; pure."""

from __future__ import annotations

from collections import deque
from typing import Final

from gateway.outbox.timing import STALE_MS

RIGHT_MS: Final = 5000
"""A clock that is off by less is left alone."""
_WINDOW_MS: Final = 120_000
_SPAN_MS: Final = 60_000
_FEWEST: Final = 5
_STEADY_MS: Final = 2000


class SentClock:
    """Follows one device.  A message sent in the future proves that the clock is ahead; one sent in the past may have been
    on its way for long, so a clock counts as behind only when a minute of messages says so evenly, or when it is behind by
    more than the log would take.
    """

    def __init__(self) -> None:
        self._seen: deque[tuple[int, int]] = deque()
        self.ahead = 0
        """ms, as learned so far; negative for a clock that is behind."""

    def learn(self, sent: int | None, arrived: int) -> int:
        """Note a message ``sent`` by the device's clock that ``arrived`` by ours (ms); return the ms it is ahead."""
        if sent is None:
            return self.ahead
        self._seen.append((arrived, sent - arrived))
        while self._seen[0][0] < arrived - _WINDOW_MS:
            self._seen.popleft()
        found = self._found(arrived)
        if abs(found - self.ahead) > _STEADY_MS or found == 0:  # else: the network's own doing
            self.ahead = found
        return self.ahead

    def _found(self, arrived: int) -> int:
        offsets = [offset for _, offset in self._seen]
        most = max(offsets)
        if most > RIGHT_MS or most < -STALE_MS:
            return most
        long = len(offsets) >= _FEWEST and arrived - self._seen[0][0] >= _SPAN_MS
        return most if long and most < -RIGHT_MS and most - min(offsets) <= _STEADY_MS else 0
