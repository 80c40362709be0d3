"""What the log refused for good comes back to the gateway: kept, and said for the device."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

from devices.wire.event import Fault
from devices.wire.pairing import Assigned, Claimed, RefusedReadings
from gateway.desk.configuration import Configuration
from gateway.desk.downlink import Downlink
from gateway.desk.refused import keep_refused
from gateway.outbox.outbox import Outbox
from tests.gateway.desk_server import Desk
from tests.gateway.making import HandClock, config, pulse
from tests.gateway.reading_outbox import events
from tests.until import until

DEVICE = Assigned(7, 1, 0, "ble", "A")


async def test_a_reading_refused_for_good_is_kept_and_said_once(tmp_path: Path) -> None:
    desk = await Desk().start()
    clock = HandClock()
    outbox = Outbox(tmp_path / "outbox.sqlite", clock=clock)
    await outbox.put([pulse()])
    desk.refused = [RefusedReadings(("log", 1, 5, 0), 7, outbox.epoch, 0, 1, "older than 30 days")]
    desk.config = config(DEVICE, version=1, refused=True)
    downlink = Downlink(
        Configuration(tmp_path), Claimed(5, desk.credential), desk.address, keep_refused=partial(keep_refused, outbox, clock)
    )
    task = asyncio.create_task(downlink.run())
    await until(lambda: not desk.refused)
    desk.refused = [RefusedReadings(("log", 1, 5, 0), 7, outbox.epoch, 0, 1, "older than 30 days")]  # our answer was lost
    await until(lambda: not desk.refused)
    task.cancel()
    await asyncio.wait({task})
    await outbox.close()
    await asyncio.to_thread(desk.stop)
    (fault,) = events(tmp_path, 7)
    assert isinstance(fault, Fault)
    assert fault.what == "readings"
    assert "1 are refused by the log (older than 30 days) and kept" in fault.reason
