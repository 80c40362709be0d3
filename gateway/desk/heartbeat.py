"""The gateway's heartbeat: one event for each patient it serves, as device 0."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import msgspec
import structlog

from devices.wire.event import Heartbeat
from gateway.clock import GatewayClock
from gateway.desk.configuration import Configuration
from gateway.errors import OutboxError
from gateway.metrics import Metrics
from gateway.outbox.outbox import Outbox
from gateway.outbox.reading import Reading

_UNTIL_CONFIGURED_S: Final = 1.0
_SHOWN_FROM: Final = 50
"""Percent of the outbox's room in use from which a heartbeat says so."""

_log: Final = structlog.get_logger(__name__)


async def run_heartbeat(outbox: Outbox, configuration: Configuration, clock: GatewayClock, metrics: Metrics) -> None:
    """Store heartbeats every ``heartbeat_s`` of the configuration, and at once after a change of it, until cancelled.

    Before the clock is set they say so, at the time of the desk's clock: the readings wait until then, and nobody must look
    for another cause.
    """
    warned = False
    while True:
        config = configuration.current
        try:
            stats = await outbox.stats()
            metrics.outbox(stats.waiting, stats.fill)
            now = clock.now()
            if not now.sure and not warned:
                _log.error("this machine's clock is not synchronised, readings wait: check its time service (NTP)")
            warned = not now.sure
            if not now.sure:  # the log takes no event of 1970
                now = replace(now, wall=now.wall + configuration.desk_ahead)
            if config is not None:
                clock_set = msgspec.UNSET if now.sure else False
                full = min(round(stats.pressing * 100), 100)
                beat = Heartbeat(
                    now.wall, stats.waiting, stats.oldest, clock_set, full if full >= _SHOWN_FROM else msgspec.UNSET
                )
                patients = sorted({key.patient for key in config.patients})
                await outbox.put([Reading(0, patient, now, event=beat) for patient in patients])
        except OutboxError as error:
            _log.error("no heartbeat", reason=str(error))
        wait = config.heartbeat_s if config is not None else _UNTIL_CONFIGURED_S
        if not clock.synchronised():
            wait = max(wait, _UNTIL_CONFIGURED_S)
        await configuration.changed(timeout=wait)
