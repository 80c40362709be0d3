"""Sensors that measure now and then and keep each record until it is fetched: cuffs and thermometers."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import ClassVar, Final

from simulators.peripherals.sensor import ReadClock, SimulatedSensor, wall_clock
from simulators.scenario import Wearer

MEMORY: Final = 100
"""Records kept; as on a real cuff a new one replaces the oldest when it is full."""
_BETWEEN_S: Final = 0.01
_BEFORE_HANGING_UP_S: Final = 0.1


class StoringSensor(SimulatedSensor):
    """Indicates its records, oldest first, as soon as a client subscribes or a measurement is made.

    A sensor that ``hangs_up`` advertises only while it has records, and ends the link once all are sent; another one stays
    connected.
    """

    hangs_up: ClassVar[bool]

    def __init__(
        self, wearer: Wearer, address: str, *, interval: float | None = None, clock: ReadClock = wall_clock
    ) -> None:
        super().__init__(wearer, address, interval=interval, clock=clock)
        self.records: deque[bytes] = deque(maxlen=MEMORY)
        self.measurement.on_subscribe = self._subscribed
        self.peripheral.advertising = not self.hangs_up
        self._sending: asyncio.Task[None] | None = None

    def measure(self, now: int) -> None:
        """Take and keep one reading at ``now`` (ms since the epoch) if the sensor is worn; send it when possible."""
        if not self.wearer.worn(self.kind, now):
            return
        self.measured += 1
        self.records.append(self.encode(now))
        self.peripheral.advertising = True
        if self.measurement.notifying:
            self._send()

    def _subscribed(self, on: bool) -> None:
        if on:
            self._send()
        elif self._sending is not None:
            self._sending.cancel()
            self._sending = None

    def _send(self) -> None:
        if self._sending is None or self._sending.done():
            self._sending = asyncio.get_running_loop().create_task(self._send_all(), name=f"records of {self.kind}")

    async def _send_all(self) -> None:
        while self.records:
            if not self.peripheral.notify(self.measurement.uuid, self.records[0]):
                return
            self.records.popleft()  # the indication was confirmed
            self.sent += 1
            await asyncio.sleep(_BETWEEN_S)
        if self.hangs_up:
            await asyncio.sleep(_BEFORE_HANGING_UP_S)
            if not self.records:
                self.peripheral.advertising = False
                self._sending = None  # the drop below must not cancel this very task
                self.peripheral.drop_link()
