"""The wait after a failure: longer each time, and random, so that devices do not try at the same moment."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable


class Backoff:
    """Seconds to wait, doubling from ``first`` to ``most``; each wait is drawn between half and all of that."""

    def __init__(self, first: float = 1.0, most: float = 60.0) -> None:
        self._first, self._most = first, most
        self._failures = 0

    def failed(self) -> float:
        """Count one more failure and return the seconds to wait."""
        limit = min(self._first * 2.0 ** min(self._failures, 16), self._most)
        self._failures += 1
        return random.uniform(limit / 2, limit)

    async def sleep(self, log: Callable[..., object], event: str, **fields: object) -> None:
        """Count one more failure, log it as ``event`` with the seconds ``again_s``, and sleep for them."""
        wait = self.failed()
        log(event, **fields, again_s=round(wait, 1))
        await asyncio.sleep(wait)

    def worked(self) -> None:
        """Start again with the shortest wait."""
        self._failures = 0
