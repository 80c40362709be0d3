"""Sends delivered readings again when the log has lost a part.  Their identity makes a double harmless."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Final

import structlog

from gateway.desk.configuration import Configuration
from gateway.errors import OutboxError
from gateway.outbox.outbox import Outbox

_AGAIN_S: Final = 5.0

_log: Final = structlog.get_logger(__name__)


async def run_resend(
    outbox: Outbox,
    configuration: Configuration,
    spread_s: float = 0.0,
    *,
    uniform: Callable[[float, float], float] = random.uniform,
) -> None:
    """Obey each request of the configuration once, until cancelled; the outbox remembers the last one over restarts.

    All gateways are asked at once: each begins at a random time within ``spread_s``.
    """
    served = None
    while True:
        wanted = configuration.current.resend if configuration.current else None
        if wanted is None or wanted == served:
            await configuration.changed()
            continue
        count = 0
        try:
            if not await outbox.has_resent(wanted.request):
                await asyncio.sleep(uniform(0, spread_s))
                count = await outbox.resend(wanted.request, wanted.since)
        except OutboxError as error:
            _log.error("cannot send delivered readings again, trying again", reason=str(error))
            await asyncio.sleep(_AGAIN_S)
            continue
        served = wanted
        if count:
            _log.warning("the desk asks for delivered readings: sending them again", readings=count)
