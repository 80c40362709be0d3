"""The base of the simulated Bluetooth sensors: GATT services, a battery, and a loop that follows the scenario."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar, Final

from devices.gatt.battery import BATTERY, BATTERY_LEVEL, BATTERY_SERVICE
from devices.gatt.date_time import encode_date_time
from devices.gatt.profile import Profile
from devices.gatt.uuids import full_uuid
from simulators.bluez.peripheral import Characteristic, Peripheral, Service
from simulators.scenario import Sensor, Wearer

ReadClock = Callable[[], int]
"""Returns the time, ms since the epoch."""

_TIME_SERVICE, _CURRENT_TIME = 0x1805, 0x2A2B
_MS_PER_PERCENT: Final = 30 * 60 * 1000
"""A charge lasts about two days."""


def wall_clock() -> int:
    """Return the machine's time, ms since the epoch."""
    return time.time_ns() // 1_000_000


def device_information(model: str) -> Service:
    """The Device Information Service (180A)."""
    texts = ((0x2A29, "Vigil simulators"), (0x2A24, model), (0x2A26, "1.0"))
    return Service(full_uuid(0x180A), [Characteristic(full_uuid(uuid), ("read",), text.encode()) for uuid, text in texts])


class SimulatedSensor(ABC):
    """One sensor on one body.  Add ``peripheral`` to a FakeBlueZ and let :meth:`run` run on the same event loop.

    A class names its ``profile`` (the first subscription is the measurement, ``encrypted`` if it needs a bond), the
    ``readable`` characteristic (number, value) beside it, the seconds between measurements and the charge it starts with.
    ``measured`` counts the readings taken, ``sent`` those delivered to a subscriber.
    """

    kind: ClassVar[Sensor]
    profile: ClassVar[Profile]
    readable: ClassVar[tuple[int, bytes] | None] = None
    encrypted: ClassVar[bool] = False
    interval: float = 1.0
    charge: ClassVar[int]  # percent

    def __init__(
        self, wearer: Wearer, address: str, *, interval: float | None = None, clock: ReadClock = wall_clock
    ) -> None:
        self.wearer, self.clock = wearer, clock
        self.interval = interval or self.interval
        self.measured = self.sent = 0
        self._began = clock()
        measurement = self.profile.subscriptions[0]
        self.measurement = Characteristic(measurement.characteristic, (measurement.mode,), encrypted=self.encrypted)
        offered = [self.measurement]
        if self.readable is not None:
            offered.append(Characteristic(full_uuid(self.readable[0]), ("read",), self.readable[1]))
        self._level = Characteristic(
            BATTERY.characteristic, ("read", BATTERY.mode), bytes((self.charge,)), on_read=self._battery
        )
        self.peripheral = Peripheral(
            address,
            f"Vigil {self.kind}",
            [
                Service(self.profile.service, offered),
                Service(BATTERY_SERVICE, [self._level]),
                Service(full_uuid(_TIME_SERVICE), [Characteristic(full_uuid(_CURRENT_TIME), ("read",), on_read=self._time)]),
                device_information(self.kind),
            ],
            advertised=[self.profile.service],
            address_type="random",
        )

    async def run(self) -> None:
        """Measure every ``interval`` seconds until cancelled; a missed tick is skipped."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            now = self.clock()
            self.peripheral.in_range = self.wearer.in_reach(self.kind, now)
            if not self.peripheral.in_range:
                self.peripheral.drop_link()
            self.measure(now)
            if self._battery() != self._level.value:
                self.peripheral.notify(BATTERY_LEVEL, self._battery())
            due = max(due + self.interval, loop.time())
            await asyncio.sleep(due - loop.time())

    @abstractmethod
    def encode(self, now: int) -> bytes:
        """The measurement of the body at ``now`` (ms since the epoch), as the characteristic's bytes."""

    def measure(self, now: int) -> None:
        """Take one reading at ``now`` (ms since the epoch) and send it to a subscriber; nothing is kept."""
        self.measured += 1
        self.sent += self.peripheral.notify(self.measurement.uuid, self.encode(now))

    def _time(self) -> bytes:
        """Current Time: the date and time, day of the week and fractions not known, no reason for a change."""
        return encode_date_time(self.clock()) + bytes(3)

    def _battery(self) -> bytes:
        return bytes((max(1, self.charge - (self.clock() - self._began) // _MS_PER_PERCENT),))
