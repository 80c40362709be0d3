"""Limits of tries in a time window, in bounded memory: one that refuses, and one that only slows down."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import Final

from alerts.desk.errors import TooManyTriesError

_MOST_COUNTED: Final = 100
_MINUTE_S: Final = 60.0


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

    def forgive(self, key: str) -> None:
        """Take back the newest try of ``key``: it succeeded."""
        tries = self._seen.get(key)
        if tries:
            tries.pop()

    def _recent(self, key: str, now: float) -> deque[float]:
        tries = self._seen.get(key)
        if tries is None:
            return deque(maxlen=self.tries)
        while tries and tries[0] <= now - self.window_s:
            tries.popleft()
        return tries


@dataclass(slots=True)
class _Tries:
    wrong: deque[float] = field(default_factory=lambda: deque(maxlen=_MOST_COUNTED))
    begun: int = 0
    slowed: int = 0


class Slowdown:
    """After ``free`` wrong tries of a key in a minute, each try waits: 1 s, 2 s, … at most ``longest_s``.

    Nobody is locked out: a right password opens after the wait, however many wrong ones came before.  A guesser gets
    ``waiting`` tries in that time, since no more may wait at once; tries that have begun count as wrong until they end.
    """

    def __init__(self, free: int, *, waiting: int, longest_s: float = 8.0, keys: int = 10_000) -> None:
        self._free, self._waiting, self._longest_s, self._keys = free, waiting, longest_s, keys
        self._seen: OrderedDict[str, _Tries] = OrderedDict()

    def begin(self, key: str, now: float) -> float:
        """Begin a try; return the seconds that it must wait.  Each begun try is ended by :meth:`end`.

        Raises:
            TooManyTriesError: too many wait already.
        """
        tries = self._seen.setdefault(key, _Tries())
        self._seen.move_to_end(key)
        while len(self._seen) > self._keys:
            self._seen.popitem(last=False)
        while tries.wrong and tries.wrong[0] <= now - _MINUTE_S:
            tries.wrong.popleft()
        beyond = len(tries.wrong) + tries.begun - self._free
        if beyond >= 0 and tries.slowed >= self._waiting:
            raise TooManyTriesError(max(1, round(self._longest_s)))
        tries.begun += 1
        tries.slowed += beyond >= 0
        return float(min(2.0 ** min(beyond, 10), self._longest_s)) if beyond >= 0 else 0.0

    def end(self, key: str, now: float, *, wrong: bool, waited: bool) -> None:
        """End a try that began; ``waited``: it had to."""
        tries = self._seen.get(key)
        if tries is None:  # forgotten meanwhile
            return
        tries.begun -= 1
        tries.slowed -= waited
        if wrong:
            tries.wrong.append(now)

    def forget(self, key: str) -> None:
        """Forget the wrong tries of ``key``: a right one came."""
        tries = self._seen.get(key)
        if tries is not None:
            tries.wrong.clear()
