"""The desk asks for what was delivered already: a part of the log was lost.  Identity makes a double harmless."""

from __future__ import annotations

import asyncio
import random
from typing import Final

import structlog

from gateway.desk.configuration import Configuration
from gateway.errors import OutboxError
from gateway.outbox.outbox import Outbox

_AGAIN_S: Final = 5.0

_log: Final = structlog.get_logger("gateway.desk.resend")


async def run_resend(outbox: Outbox, configuration: Configuration, spread_s: float = 0.0) -> None:
    """Obey each request of the configuration once, until cancelled; the outbox remembers the last one over restarts.

    All gateways are asked at once: each begins within ``spread_s``, at a time of its own.
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
                await asyncio.sleep(random.uniform(0, spread_s))
                count = await outbox.resend(wanted.request, wanted.since)
        except OutboxError as error:
            _log.error("cannot send again what was delivered, trying again", reason=str(error))
            await asyncio.sleep(_AGAIN_S)
            continue
        served = wanted
        if count:
            _log.warning("the desk asks for what was delivered: sending it again", readings=count)
