"""The gateway's heartbeat: one event for each patient it serves, as device 0."""

from __future__ import annotations

from typing import Final

import structlog

from devices.wire.event import Heartbeat
from gateway.clock import GatewayClock
from gateway.desk.configuration import Configuration
from gateway.errors import OutboxError
from gateway.metrics import Metrics
from gateway.outbox.outbox import Outbox
from gateway.outbox.reading import Reading

_UNTIL_CONFIGURED_S: Final = 1.0

_log: Final = structlog.get_logger(__name__)


async def run_heartbeat(outbox: Outbox, configuration: Configuration, clock: GatewayClock, metrics: Metrics) -> None:
    """Store heartbeats every ``heartbeat_s`` of the configuration, and at once after a change of it, until cancelled.

    There are none before the clock is set: a heartbeat that cannot leave is of no use.
    """
    while True:
        config = configuration.current
        try:
            stats = await outbox.stats()
            metrics.outbox(stats.waiting, stats.fill)
            now = clock.now()
            if config is not None and now.sure:
                beat = Heartbeat(now.wall, stats.waiting, stats.oldest)
                patients = sorted({key.patient for key in config.patients})
                await outbox.put([Reading(0, patient, now, event=beat) for patient in patients])
        except OutboxError as error:
            _log.error("no heartbeat", reason=str(error))
        wait = config.heartbeat_s if config is not None and clock.synchronised() else _UNTIL_CONFIGURED_S
        await configuration.changed(timeout=wait)
