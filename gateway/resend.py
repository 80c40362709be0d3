"""The desk asks for what was delivered already: a part of the log was lost.  Identity makes a double harmless."""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

from gateway.configuration import Configuration
from gateway.errors import OutboxError
from gateway.outbox import Outbox

_AGAIN_S: Final = 5.0

_log: Final = structlog.get_logger("gateway.resend")


async def run_resend(outbox: Outbox, configuration: Configuration) -> None:
    """Obey each request of the configuration once, until cancelled; the outbox remembers the last one over restarts."""
    served = None
    while True:
        wanted = configuration.current.resend if configuration.current else None
        if wanted is None or wanted == served:
            await configuration.changed()
            continue
        try:
            count = await outbox.resend(wanted.request, wanted.since)
        except OutboxError as error:
            _log.error("cannot send again what was delivered, trying again", reason=str(error))
            await asyncio.sleep(_AGAIN_S)
            continue
        served = wanted
        if count:
            _log.warning("the desk asks for what was delivered: sending it again", readings=count)
