"""A limit of tries in a time window, in bounded memory."""

from __future__ import annotations

from collections import OrderedDict, deque

from alerts.desk.errors import TooManyTriesError


class Throttle:
    """At most ``tries`` in ``window_s`` seconds for each key; beyond ``keys`` keys the oldest is forgotten."""

    def __init__(self, tries: int, window_s: float, keys: int = 10_000) -> None:
        self.tries, self.window_s, self.keys = tries, window_s, keys
        self._seen: OrderedDict[str, deque[float]] = OrderedDict()

    def check(self, key: str, now: float) -> None:
        """Raise :class:`TooManyTriesError` if ``key`` has used all its tries; ``now`` in monotonic seconds."""
        tries = self._recent(key, now)
        if len(tries) >= self.tries:
            raise TooManyTriesError(max(1, round(tries[0] + self.window_s - now)))

    def note(self, key: str, now: float) -> None:
        """Count one try of ``key``."""
        tries = self._recent(key, now)
        tries.append(now)
        self._seen[key] = tries
        self._seen.move_to_end(key)
        while len(self._seen) > self.keys:
            self._seen.popitem(last=False)

    def forget(self, key: str) -> None:
        """Forget the tries of ``key``: it succeeded."""
        self._seen.pop(key, None)

    def _recent(self, key: str, now: float) -> deque[float]:
        tries = self._seen.get(key)
        if tries is None:
            return deque(maxlen=self.tries)
        while tries and tries[0] <= now - self.window_s:
            tries.popleft()
        return tries
