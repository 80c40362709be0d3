"""Tells the log, once for each patient served, that the outbox was damaged and what was saved of it."""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

from devices.wire.event import Fault
from gateway.clock import GatewayClock
from gateway.desk.configuration import Configuration
from gateway.errors import OutboxError
from gateway.outbox.outbox import Outbox
from gateway.outbox.reading import Reading
from gateway.outbox.salvage import Salvaged

_AGAIN_S: Final = 5.0

_log: Final = structlog.get_logger(__name__)


async def run_salvage_note(salvaged: Salvaged, outbox: Outbox, configuration: Configuration, clock: GatewayClock) -> None:
    """Store the note as soon as the patients are known, then wait until cancelled."""
    while configuration.current is None:
        await configuration.changed()
    now = clock.now()
    reason = f"was damaged: {salvaged.saved} readings saved, {salvaged.lost} could not be read"
    fault = Fault(now.wall, "outbox", reason)
    patients = sorted({key.patient for key in configuration.current.patients})
    while True:
        try:
            await outbox.put([Reading(0, patient, now, event=fault) for patient in patients])
            break
        except OutboxError as error:
            _log.error("the note of the salvage cannot be stored, trying again", reason=str(error))
            await asyncio.sleep(_AGAIN_S)
    await asyncio.Event().wait()
