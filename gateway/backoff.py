"""How long to wait after a failure: longer each time, never the same for two devices."""

from __future__ import annotations

import random


class Backoff:
    """Seconds to wait, doubling from ``first`` to ``most``, each drawn between half and all of it."""

    def __init__(self, first: float = 1.0, most: float = 60.0) -> None:
        self._first, self._most = first, most
        self._failures = 0

    def failed(self) -> float:
        """Seconds to wait after one more failure."""
        limit = min(self._first * 2.0 ** min(self._failures, 16), self._most)
        self._failures += 1
        return random.uniform(limit / 2, limit)

    def worked(self) -> None:
        """Begin again with the shortest wait."""
        self._failures = 0
