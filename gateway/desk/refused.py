"""Readings that the log refused for good are kept in the outbox, and reported once for each device and reason."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import structlog

from devices.wire.event import Fault
from devices.wire.pairing import RefusedReadings
from gateway.clock import GatewayClock
from gateway.outbox.outbox import Outbox
from gateway.outbox.reading import Reading

_log: Final = structlog.get_logger(__name__)


async def keep_refused(outbox: Outbox, clock: GatewayClock, refused: Sequence[RefusedReadings]) -> None:
    """Return once they are on disk; :class:`gateway.errors.OutboxError` where that fails: the desk names them again."""
    now = clock.now()
    notes = []
    for device, patient, reason, count in await outbox.keep_refused(refused):
        _log.error("the log has refused readings for good, they are kept here", device=device, reason=reason, readings=count)
        text = f"{count} are refused by the log ({reason}) and kept in the gateway: vigil gateway refused lists them"
        notes.append(Reading(device, patient, now, event=Fault(now.wall, "readings", text)))
    if notes:
        await outbox.put(notes)
