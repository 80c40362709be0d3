"""Time limits: for one call, and for the end of tasks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable
from typing import Any, Final, TypeVar

_Result = TypeVar("_Result")

_TRIES: Final = 3


async def within(seconds: float, work: Awaitable[_Result]) -> _Result:
    """Return the result of ``work``; ``TimeoutError`` after ``seconds``.

    ``asyncio.wait_for`` would not do: in Python 3.11 it loses a cancellation that comes as the work ends.
    """
    async with asyncio.timeout(seconds):
        return await work


async def end(tasks: Iterable[asyncio.Task[Any]], patience_s: float = 20.0) -> None:
    """Cancel and wait for up to ``patience_s``; try again for a task that goes on (a library may swallow a cancellation),
    three times in all.
    """
    waiting = set(tasks)
    for _ in range(_TRIES):
        for task in waiting:
            task.cancel()
        if waiting:
            _, waiting = await asyncio.wait(waiting, timeout=patience_s)
