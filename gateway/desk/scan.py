"""Looks for devices on behalf of the desk's page for patients, and reports what the radio sees."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import httpx
import msgspec
import structlog

from devices.wire.pairing import Claimed, Scan, Seen
from gateway.desk.configuration import Configuration
from gateway.desk.downlink import desk_client
from gateway.sources.lookout import LONGEST_S, Lookout

NO_BLUETOOTH: Final = "Bluetooth is switched off in the gateway's settings"
_EVERY_S: Final = 2.0

_log: Final = structlog.get_logger(__name__)


def seconds_left(scan: Scan | None, wall_ms: float, desk_ahead: int) -> float:
    """The seconds that a scan still lasts, by the desk's clock; at most ten minutes, whatever the clocks say."""
    return 0.0 if scan is None else max(0.0, min(LONGEST_S, (scan.until - wall_ms - desk_ahead) / 1000))


async def run_scan(
    configuration: Configuration,
    lookout: Lookout,
    claimed: Claimed,
    desk: str,
    *,
    ca: Path | None = None,
    every_s: float = _EVERY_S,
    wall_s: Callable[[], float] = time.time,
) -> None:
    """Look while the configuration asks for it and report every ``every_s`` seconds, until cancelled."""
    async with desk_client(desk, ca) as client:
        ended = 0  # the request that nobody asks for any more
        while True:
            scan = configuration.current.scan if configuration.current else None
            left = seconds_left(scan, wall_s() * 1000, configuration.desk_ahead)
            if scan is None or left <= 0 or scan.request == ended:
                lookout.end()
                await configuration.changed()
                continue
            lookout.look(scan, left)
            if (
                await _report(client, claimed, Seen(scan.request, lookout.nearby, lookout.without or lookout.fault))
                == httpx.codes.CONFLICT
            ):
                ended = scan.request
            await configuration.changed(timeout=min(every_s, left))


async def _report(client: httpx.AsyncClient, claimed: Claimed, seen: Seen) -> int:
    """Send a report; the status of the answer, 0 where none came: the next report has all of it."""
    headers = {"Authorization": f"Bearer {claimed.credential}", "Content-Type": "application/json"}
    try:
        answer = await client.post("/gateway/v1/seen", content=msgspec.json.encode(seen), headers=headers)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        _log.info("the desk takes no report of a scan", reason=type(error).__name__)
        return 0
    return answer.status_code
