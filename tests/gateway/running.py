"""An uplink over an outbox, as the gateway composes them."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from devices.wire.pairing import Assigned
from gateway.clock import GatewayClock
from gateway.metrics import Metrics
from gateway.outbox.outbox import Outbox
from gateway.uplink.producer import OnReport, Producer
from gateway.uplink.uplink import Schedule, Uplink
from tests.gateway.making import config, configured, pulse

DEVICES = (Assigned(7, 1, 0, "ble", "A"), Assigned(8, 66, 0, "ble", "B"))


class Running:
    def __init__(
        self,
        folder: Path,
        servers: str,
        topic: str,
        clock: GatewayClock | None = None,
        schedule: Schedule | None = None,
        **more: Any,
    ) -> None:
        self.clock = clock or GatewayClock("assumed")
        self.outbox = Outbox(folder / "outbox.sqlite", clock=self.clock)
        wanted = config(*DEVICES, kafka=servers, topic=topic, linger_s=more.pop("linger_s", 0.1))
        self.configuration = configured(folder, wanted)
        self.producers: list[Producer] = []
        self.uplink = Uplink(
            self.outbox, self.configuration, self.clock, Metrics(), gateway=5, schedule=schedule or Schedule(flush_s=0.5),
            connect=self._connect, **more,
        )  # fmt: skip
        self.stop = asyncio.Event()
        self.task = asyncio.create_task(self.uplink.run(self.stop))

    def _connect(self, servers: str, options: Mapping[str, str], on_report: OnReport) -> Producer:
        self.producers.append(Producer(servers, options, on_report))
        return self.producers[-1]

    async def end(self) -> None:
        self.stop.set()
        await asyncio.wait_for(self.task, 20)
        await self.outbox.close()

    async def waiting(self, count: int = 0, timeout: float = 30) -> None:
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
