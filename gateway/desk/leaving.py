"""Readings kept of patients whom the gateway serves no more go by the rule of consent (docs/decisions/0233).

Who withdraws consent: nothing leaves from then on, and a day later, if it was not given again, it is removed.  Who is no
longer served: what was measured before leaves for as long as the log takes it, then it is removed.
"""

from __future__ import annotations

from typing import Final

import structlog

from devices.wire.pairing import Withdrawn
from gateway.clock import GatewayClock
from gateway.desk.configuration import Configuration
from gateway.errors import OutboxError
from gateway.outbox.outbox import Outbox

TAKEN_BACK_MS: Final = 86_400_000
"""A withdrawal that was a mistake costs nothing for so long."""
_LOOK_S: Final = 600.0

_log: Final = structlog.get_logger(__name__)


async def run_leaving(outbox: Outbox, configuration: Configuration, clock: GatewayClock) -> None:
    """Remove what must go, until cancelled; only by what a desk has said since the start, and by a clock that is set."""
    removed: set[Withdrawn] = set()
    while True:
        config, now = configuration.current, clock.now()
        try:
            if config is not None and configuration.fresh_at is not None and now.sure and not configuration.revoked:
                gone = {one for one in config.withdrawn if now.wall - one.at >= TAKEN_BACK_MS} - removed
                count = await outbox.remove([one.patient for one in gone])
                removed |= gone
                if count:
                    _log.warning("readings of patients who consent no longer are removed", readings=count)
                served = [key.patient for key in (*config.patients, *config.leaving)]
                if count := await outbox.remove_unserved([*served, *(one.patient for one in config.withdrawn)]):
                    _log.warning("readings of patients no longer served, too old for the log, are removed", readings=count)
        except OutboxError as error:
            _log.error("what must go cannot be removed, trying again", reason=str(error))
        await configuration.changed(timeout=_LOOK_S)
