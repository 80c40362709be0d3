"""Says at the desk what the gateway finds wrong with itself: when that changes, and once a day."""

from __future__ import annotations

import asyncio
import time
from typing import Final

import structlog

from devices.wire.event import Found, SelfCheck
from gateway.clock import GatewayClock
from gateway.desk.configuration import Configuration
from gateway.errors import OutboxError
from gateway.health.check import Check
from gateway.health.checks import checks
from gateway.outbox.outbox import Outbox
from gateway.outbox.reading import Reading
from gateway.settings import GatewaySettings

_FIRST_S: Final = 30.0
_EVERY_S: Final = 300.0
_AGAIN_S: Final = 86_400.0
_MOST: Final = 20
_LONGEST: Final = 200

_log: Final = structlog.get_logger(__name__)


async def run_report(
    settings: GatewaySettings, outbox: Outbox, configuration: Configuration, clock: GatewayClock, every_s: float = _EVERY_S
) -> None:
    """Look every five minutes until cancelled; a cable that was out for a moment is no reason to say anything."""
    before: frozenset[str] | None = None
    last: frozenset[str] = frozenset()
    due = time.monotonic() + every_s  # nothing is said of a start
    wait = min(every_s, _FIRST_S)
    while True:
        await asyncio.sleep(wait)
        wait = every_s
        config, wrong = configuration.current, found(await checks(settings))
        parts = frozenset(one.part for one in wrong)
        twice, last = parts == last, parts
        if config is None or not config.patients or not clock.synchronised():
            continue
        if not (twice and parts != before) and time.monotonic() < due:
            continue
        at = clock.now()
        # one of the patients carries it: it is about nobody
        carrier = min(key.patient for key in config.patients)
        try:
            await outbox.put([Reading(0, carrier, at, event=SelfCheck(at.wall, wrong))])
        except OutboxError as error:
            _log.error("what is wrong with this gateway cannot be said", reason=str(error))
            continue
        before, due = parts, time.monotonic() + _AGAIN_S
        for one in wrong:
            _log.warning("something is wrong with this gateway", part=one.part, what=one.what, cure=one.cure)


def found(looks: list[Check]) -> tuple[Found, ...]:
    """The faults, as an event may hold them."""
    wrong = [one for one in looks if not one.ok]
    return tuple(Found(_plain(one.part), _plain(one.what), _plain(one.cure)) for one in wrong[:_MOST])


def _plain(text: str) -> str:
    return "".join(letter if " " <= letter <= "~" else "?" for letter in text[:_LONGEST]) or "?"
