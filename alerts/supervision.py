"""The supervisor of a process's parts: none ends silently.

A part is a task or a thread that runs as long as its process.  When it ends, whatever the reason, that is logged, counted
and remembered, and it begins again after a pause that grows while it fails at once.
"""

from __future__ import annotations

import asyncio
import threading
import time
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import structlog
from prometheus_client import Counter

STEADY_S: Final = 10.0
"""A part that has run so long since it failed is well again."""

_log = structlog.get_logger("alerts.supervision")


@dataclass(slots=True)
class _Part:
    pause_s: float
    began: float = 0.0  # monotonic seconds
    runs: bool = False
    reason: str = ""


class Supervisor:
    """Keeps parts running; ``faults`` are those of transient kinds (a server is away), which are warnings in the log."""

    def __init__(
        self, failures: Counter, faults: tuple[type[Exception], ...], *, shortest_s: float = 1.0, longest_s: float = 30.0
    ) -> None:
        self._failures, self._faults, self._shortest_s, self._longest_s = failures, faults, shortest_s, longest_s
        self._parts: dict[str, _Part] = {}

    async def keep(self, name: str, body: Callable[[], Awaitable[None]]) -> None:
        """Run ``body`` again and again until this task is cancelled."""
        while True:
            self._begins(name)
            error: Exception | None = None
            try:
                await body()
            except Exception as raised:
                error = raised
            await asyncio.sleep(self._ended(name, error))

    def keep_in_thread(self, name: str, body: Callable[[], None], stop: threading.Event) -> None:
        """Run ``body`` again and again in this thread until ``stop``."""
        while not stop.is_set():
            self._begins(name)
            error: Exception | None = None
            try:
                body()
            except Exception as raised:
                error = raised
            if not stop.is_set():
                stop.wait(self._ended(name, error))

    def failing(self) -> dict[str, str]:
        """The parts that are not well now, each with the name of its error."""
        now = time.monotonic()
        return {
            name: part.reason
            for name, part in self._parts.items()
            if part.reason and not (part.runs and now - part.began > STEADY_S)
        }

    def _begins(self, name: str) -> None:
        part = self._parts.setdefault(name, _Part(self._shortest_s))
        part.began, part.runs = time.monotonic(), True

    def _ended(self, name: str, error: Exception | None) -> float:
        """Log and count the end of a part; return the seconds until it begins again."""
        part = self._parts[name]
        lasted = time.monotonic() - part.began
        pause_s = self._shortest_s if lasted > STEADY_S else part.pause_s
        part.runs, part.pause_s = False, min(2 * pause_s, self._longest_s)
        part.reason = type(error).__name__ if error else "it ended by itself"
        self._failures.labels(name).inc()
        if isinstance(error, self._faults):
            _log.warning("a part waits: what it needs is away", part=name, reason=part.reason, pause_s=pause_s)
        else:
            _log.error("a part failed", part=name, reason=part.reason, at=_place(error), pause_s=pause_s)
        return pause_s


def _place(error: BaseException | None) -> str:
    """The place of an error; its text stays out of the log, because a database quotes rows in it."""
    frames = traceback.extract_tb(error.__traceback__) if error else ()
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""
