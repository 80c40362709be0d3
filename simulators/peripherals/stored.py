"""Sensors that measure now and then and keep what nobody has fetched yet: cuffs and thermometers."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

from simulators.bluez.peripheral import Characteristic, Service
from simulators.peripherals.sensor import Clock, SimulatedSensor
from simulators.scenario import Wearer

MEMORY: Final = 100
"""Records kept; as on a real cuff the oldest goes when it is full."""
_BETWEEN_S: Final = 0.01
_BEFORE_HANGING_UP_S: Final = 0.1


class StoringSensor(SimulatedSensor):
    """Indicates its records, oldest first, as soon as a client subscribes or a measurement is made.

    One that ``hangs_up`` advertises only while it has something to tell, and ends the link once all is told; the other stays
    connected.
    """

    def __init__(
        self,
        wearer: Wearer,
        address: str,
        service: Service,
        *,
        hangs_up: bool,
        interval: float,
        battery: int,
        clock: Clock,
    ) -> None:
        self.records: deque[bytes] = deque(maxlen=MEMORY)
        self.hangs_up = hangs_up
        self._characteristic: Characteristic = service.characteristics[0]
        self._characteristic.on_subscribe = self._subscribed
        self._telling: asyncio.Task[None] | None = None
        super().__init__(wearer, address, [service], interval=interval, battery=battery, clock=clock)
        self.peripheral.advertising = not hangs_up

    def store(self, record: bytes) -> None:
        """Keep a record and tell it when possible."""
        self.measured += 1
        self.records.append(record)
        self.peripheral.advertising = True
        if self._characteristic.notifying:
            self._tell()

    def _subscribed(self, on: bool) -> None:
        if on:
            self._tell()
        elif self._telling is not None:
            self._telling.cancel()
            self._telling = None

    def _tell(self) -> None:
        if self._telling is None or self._telling.done():
            self._telling = asyncio.get_running_loop().create_task(self._send_all(), name=f"records of {self.kind}")

    async def _send_all(self) -> None:
        while self.records:
            if not self.peripheral.notify(self._characteristic.uuid, self.records[0]):
                return
            self.records.popleft()  # the indication was confirmed
            self.sent += 1
            await asyncio.sleep(_BETWEEN_S)
        if self.hangs_up:
            await asyncio.sleep(_BEFORE_HANGING_UP_S)
            if not self.records:
                self.peripheral.advertising = False
                self._telling = None  # the drop below must not cancel this very task
                self.peripheral.drop_link()
