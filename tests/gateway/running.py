"""An uplink over an outbox, as the gateway composes them."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

from devices.wire.pairing import Assigned
from gateway.clock import GatewayClock
from gateway.metrics import Metrics
from gateway.outbox.outbox import Outbox
from gateway.uplink.uplink import Pace, Uplink
from tests.gateway.making import config, configured, pulse

DEVICES = (Assigned(7, 1, 0, "ble", "A"), Assigned(8, 66, 0, "ble", "B"))


class Running:
    def __init__(self, folder, servers, topic, clock=None, pace=None, **more):
        self.clock = clock or GatewayClock("assumed")
        self.outbox = Outbox(folder / "outbox.sqlite", clock=self.clock)
        wanted = config(*DEVICES, kafka=servers, topic=topic, linger_s=more.pop("linger_s", 0.1))
        self.configuration = configured(folder, wanted)
        self.uplink = Uplink(
            self.outbox, self.configuration, self.clock, Metrics(), gateway=5, pace=pace or Pace(flush_s=0.5), **more
        )
        self.stop = asyncio.Event()
        self.task = asyncio.create_task(self.uplink.run(self.stop))

    async def end(self):
        self.stop.set()
        await asyncio.wait_for(self.task, 20)
        await self.outbox.close()

    async def waiting(self, count=0, timeout=30):
        end = time.monotonic() + timeout
        while (await self.outbox.stats()).waiting != count:
            assert time.monotonic() < end
            await asyncio.sleep(0.05)


async def feed(folder: str, servers: str, topic: str) -> None:
    """Say "acknowledged" for each reading that is on disk, until killed."""
    running = Running(Path(folder), servers, topic, linger_s=0.05)
    for number in range(10**6):
        await running.outbox.put([pulse(float(number), at=running.clock.now())])
        print("acknowledged", flush=True)


if __name__ == "__main__":
    asyncio.run(feed(*sys.argv[1:]))
