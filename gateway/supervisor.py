"""Keeps the gateway's tasks running: one that fails or ends is logged, counted and started again."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from gateway.backoff import Backoff
from gateway.errors import RevokedError
from gateway.metrics import Metrics

_STEADY_S: Final = 60.0
"""A task that ran this long begins again with the shortest wait."""

_log: Final = structlog.get_logger(__name__)


async def keep_running(
    name: str,
    make: Callable[[], Awaitable[None]],
    metrics: Metrics,
    *,
    done: Callable[[], bool] = lambda: False,
    first_s: float = 0.5,
) -> None:
    """Run ``make()`` again and again until cancelled, or until it returns once ``done()``.

    A revocation alone ends it: :class:`RevokedError` is for the person who runs the gateway.
    """
    backoff = Backoff(first_s, 30)
    while True:
        began = time.monotonic()
        try:
            await make()
        except RevokedError:
            raise
        except Exception:
            _log.exception("a task of the gateway failed, it is started again", task=name)
        else:
            if done():
                return
            _log.error("a task of the gateway ended by itself, it is started again", task=name)
        metrics.task_failed(name)
        if time.monotonic() - began > _STEADY_S:
            backoff.worked()
        await backoff.sleep(_log.info, "waiting before the task is started", task=name)
