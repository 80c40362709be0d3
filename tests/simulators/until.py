from __future__ import annotations

import asyncio
from collections.abc import Callable


async def until(true: Callable[[], object], seconds: float = 5) -> None:
    """Wait until ``true()``, at most so long."""
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.005)
