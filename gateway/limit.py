"""Limits to waiting: for one call, and for tasks that shall end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable
from typing import Any, Final, TypeVar

_Result = TypeVar("_Result")

_PATIENCE_S: Final = 20.0
_TRIES: Final = 3


async def within(seconds: float, work: Awaitable[_Result]) -> _Result:
    """What ``work`` answers; ``TimeoutError`` after ``seconds``.

    Not ``asyncio.wait_for``: in Python 3.11 that loses a cancellation which comes as the work is done.
    """
    async with asyncio.timeout(seconds):
        return await work


async def end(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel and wait; again for one that did not listen (a library may swallow a cancellation), then leave it."""
    waiting = set(tasks)
    for _ in range(_TRIES):
        for task in waiting:
            task.cancel()
        if waiting:
            _, waiting = await asyncio.wait(waiting, timeout=_PATIENCE_S)
