"""A gateway looks while the desk asks for it, reports, and stops when nobody asks any more."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from devices.wire.pairing import Claimed, Scan, Seen
from gateway.desk.configuration import Configuration
from gateway.desk.scan import NO_BLUETOOTH, run_scan, seconds_left
from gateway.sources.lookout import Lookout
from tests.gateway.desk_server import Desk
from tests.gateway.making import config
from tests.gateway.sources.test_lookout import BELT, advertisement, count, device
from tests.until import until

NOW = 1_760_000_000_000


def later(seconds: float = 60) -> int:
    return round((time.time() + seconds) * 1000)


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    started = await Desk().start()
    yield started
    await asyncio.to_thread(started.stop)


@pytest.fixture
async def looking(desk: Desk, tmp_path: Path) -> AsyncIterator[tuple[Configuration, Lookout]]:
    configuration, lookout = Configuration(tmp_path), Lookout()
    work = run_scan(configuration, lookout, Claimed(5, desk.credential), desk.address, every_s=0.05)
    task = asyncio.create_task(work)
    yield configuration, lookout
    assert not task.done()
    task.cancel()
    await asyncio.wait({task})


def last(desk: Desk) -> Seen:
    return desk.seen[-1]


async def test_what_is_seen_is_reported_until_the_scan_ends(desk: Desk, looking: tuple[Configuration, Lookout]) -> None:
    configuration, lookout = looking
    configuration.accept(config(version=1))
    await asyncio.sleep(0.2)
    assert desk.seen == [] and not lookout.active
    configuration.accept(config(version=2, scan=Scan(7, later())))
    await until(lambda: desk.seen)
    assert last(desk) == Seen(7)
    lookout.found(device(), advertisement(BELT))
    await until(lambda: last(desk).devices)
    assert last(desk).devices[0].profiles == ("heart rate",)
    lookout.fault = "Bluetooth does not answer"
    await until(lambda: last(desk).fault)
    configuration.accept(config(version=3, scan=Scan(8, later())))
    await until(lambda: last(desk) == Seen(8))  # it is tried anew
    lookout.without = NO_BLUETOOTH
    await until(lambda: last(desk).fault == NO_BLUETOOTH)
    configuration.accept(config(version=4))
    await until(lambda: not lookout.active)
    reports = len(desk.seen)
    await asyncio.sleep(0.2)
    assert len(desk.seen) == reports and count(lookout) == 0


async def test_a_scan_that_nobody_asks_for_any_more_ends(desk: Desk, looking: tuple[Configuration, Lookout]) -> None:
    configuration, lookout = looking
    desk.takes_seen = 409
    configuration.accept(config(version=1, scan=Scan(7, later())))
    await until(lambda: desk.seen)
    await until(lambda: not lookout.active)
    desk.takes_seen = 204
    configuration.accept(config(version=2, scan=Scan(8, later())))
    await until(lambda: last(desk).request == 8)
    assert lookout.active


async def test_a_scan_outlives_a_desk_that_is_away_for_a_moment(desk: Desk, looking: tuple[Configuration, Lookout]) -> None:
    configuration, lookout = looking
    desk.takes_seen = 503
    configuration.accept(config(version=1, scan=Scan(7, later())))
    await until(lambda: len(desk.seen) > 2)
    assert lookout.active


def test_a_scan_ends_by_the_desks_clock_and_never_lasts_for_ever() -> None:
    assert seconds_left(None, NOW, 0) == 0
    assert seconds_left(Scan(1, NOW + 60_000), NOW, 0) == 60
    assert seconds_left(Scan(1, NOW + 60_000), NOW - 3_600_000, 3_600_000) == 60  # the gateway's clock is an hour behind
    assert seconds_left(Scan(1, NOW - 1), NOW, 0) == 0
    assert seconds_left(Scan(1, NOW + 10**12), NOW, 0) == 600
