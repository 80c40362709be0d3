"""What every simulated sensor has: device information, a battery, and a loop that lives through the scenario."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Final

from devices.gatt.battery import BATTERY_LEVEL, BATTERY_SERVICE
from devices.gatt.uuids import full_uuid
from simulators.bluez.peripheral import Characteristic, Peripheral, Service
from simulators.scenario import Sensor, Wearer

Clock = Callable[[], int]
"""Milliseconds since the epoch."""

_MS_A_PERCENT: Final = 30 * 60 * 1000
"""A charge lasts about two days."""


def wall_clock() -> int:
    """Now, ms since the epoch."""
    return time.time_ns() // 1_000_000


def device_information(model: str) -> Service:
    """Device Information Service (180A)."""
    texts = ((0x2A29, "Vigil simulators"), (0x2A24, model), (0x2A26, "1.0"))
    return Service(full_uuid(0x180A), [Characteristic(full_uuid(uuid), ("read",), text.encode()) for uuid, text in texts])


class SimulatedSensor(ABC):
    """One sensor of one body.  Add ``peripheral`` to a FakeBlueZ and let :meth:`run` run on the same event loop.

    ``measured`` counts readings taken, ``sent`` those that a subscriber was given.
    """

    kind: Sensor

    def __init__(
        self, wearer: Wearer, address: str, services: list[Service], *, interval: float, battery: int, clock: Clock
    ) -> None:
        self.wearer, self.interval, self.clock = wearer, interval, clock
        self.measured = self.sent = 0
        self._charge, self._began = battery, clock()
        self._level = Characteristic(full_uuid(BATTERY_LEVEL), ("read", "notify"), bytes((battery,)), on_read=self._battery)
        self.peripheral = Peripheral(
            address,
            f"Vigil {self.kind}",
            [*services, Service(BATTERY_SERVICE, [self._level]), device_information(self.kind)],
            advertised=[services[0].uuid],
            address_type="random",
        )

    async def run(self) -> None:
        """Measure every ``interval`` seconds until cancelled; a tick that was missed is skipped, not made up for."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            now = self.clock()
            reach = self.wearer.in_reach(self.kind, now)
            self.peripheral.in_range = reach
            if not reach:
                self.peripheral.drop_link()
            self.measure(now)
            if self._battery() != self._level.value:
                self.peripheral.notify(BATTERY_LEVEL, self._battery())
            due = max(due + self.interval, loop.time())
            await asyncio.sleep(due - loop.time())

    @abstractmethod
    def measure(self, now: int) -> None:
        """Take one reading at ``now`` (ms since the epoch) and send it if somebody listens."""

    def _battery(self) -> bytes:
        return bytes((max(1, self._charge - (self.clock() - self._began) // _MS_A_PERCENT),))
