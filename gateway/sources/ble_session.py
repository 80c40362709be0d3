"""One connection to one Bluetooth device, from subscribing to hanging up."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.exc import BleakError

from devices.errors import UndecodableError
from devices.gatt.battery import BATTERY
from devices.gatt.date_time import date_time
from devices.gatt.profiles import DECODABLE, decode, profiles_of
from devices.gatt.uuids import full_uuid
from devices.wire.event import ClockCorrection
from gateway.clock import GatewayClock, Stamp
from gateway.errors import OutboxError
from gateway.limit import within
from gateway.metrics import Metrics
from gateway.sources.intake import Heard, Intake

_CALL_S: Final = 15.0
_HANG_UP_S: Final = 5.0
_EPISODIC_IDLE_S: Final = 120.0
_QUEUE: Final = 2000
_GROUP: Final = 256
_RETRY_S: Final = 1.0
_DRAIN_S: Final = 10.0
_CLOCKS: Final = (full_uuid(0x2A2B), full_uuid(0x2A08))
_CLOCK_OFF_MS: Final = 5000

_log: Final = structlog.get_logger("gateway.sources.ble_session")

RADIO_ERRORS: Final = (BleakError, TimeoutError, OSError, EOFError, AttributeError, AssertionError, KeyError)
"""What bleak raises when a link, bluetoothd or the bus goes away under a call."""


@dataclass(slots=True)
class Connection:
    """A connected client; ``gone`` is set when the link is known to be lost."""

    client: BleakClient
    gone: asyncio.Event
    rssi: int | None = None


@dataclass(slots=True)
class Session:
    """``silence_s``: a streaming device that says nothing for so long is given up.  ``run`` once."""

    intake: Intake
    clock: GatewayClock
    metrics: Metrics
    silence_s: float = 30.0
    heard: int = 0
    """Notifications since the beginning."""
    _queue: asyncio.Queue[tuple[str, bytes, Stamp]] = field(default_factory=lambda: asyncio.Queue(_QUEUE))
    _pending: int = 0
    _last: float = 0.0
    _ahead: int = 0

    async def run(self, connection: Connection) -> None:
        """Until the link is lost, the device is silent for too long, or the task is cancelled; always hangs up."""
        client, number = connection.client, self.intake.device.device
        storing = asyncio.create_task(self._store(), name=f"device {number}")
        up = False
        try:
            await self._stored(self.intake.link(True, connection.rssi))
            up = True
            await self._prepare(client)
            families = await self._subscribe(client)
            if not families:
                _log.warning("device offers nothing Vigil understands", device=number)
                return
            await self._listen(connection, "stream" in families)
        except RADIO_ERRORS as error:
            _log.info("session ended", device=number, reason=type(error).__name__, heard=self.heard)
        finally:
            await hang_up(client)
            with contextlib.suppress(TimeoutError):
                await within(_DRAIN_S, self._queue.join())
            storing.cancel()
            if self._pending:
                self.metrics.readings("unstored", self._pending)
                _log.error("outbox took no readings, they are lost", device=number, notifications=self._pending)
            if up:
                await self._stored(self.intake.link(False))

    async def _prepare(self, client: BleakClient) -> None:
        """How far the device's clock is off, and its battery: read before subscribing, as BlueZ tells a value read of a
        subscribed characteristic twice.
        """
        for uuid in _CLOCKS:
            characteristic = _readable(client, uuid)
            if characteristic is None:
                continue
            with contextlib.suppress(BleakError, UndecodableError, TimeoutError):
                value = bytes(await within(_CALL_S, client.read_gatt_char(characteristic)))
                said = date_time(value[:7]).milliseconds
                if said is None:
                    continue
                now = self.clock.now()
                self._ahead = said - now.wall if now.sure and abs(said - now.wall) > _CLOCK_OFF_MS else 0
                if self._ahead:
                    await self._stored(self.intake.tell(ClockCorrection(now.wall, self._ahead)))
                break
        battery = _readable(client, BATTERY.characteristic)
        if battery is not None:
            with contextlib.suppress(BleakError, TimeoutError):
                value = bytes(await within(_CALL_S, client.read_gatt_char(battery)))
                self._arrived(battery, bytearray(value))

    async def _subscribe(self, client: BleakClient) -> set[str]:
        """Subscribe to all that can be decoded, pairing where the device asks for it; the families of device found."""
        families: set[str] = set()
        profiles = profiles_of(service.uuid for service in client.services)
        wanted = {one.characteristic: profile.family for profile in profiles for one in profile.subscriptions}
        for service in client.services:
            for characteristic in service.characteristics:
                uuid = full_uuid(characteristic.uuid)
                can = {"notify", "indicate"} & set(characteristic.properties)
                if uuid not in DECODABLE or not can or (uuid not in wanted and uuid != BATTERY.characteristic):
                    continue
                try:
                    await self._start(client, characteristic)
                except BleakError:
                    if uuid != BATTERY.characteristic:
                        raise
                    continue
                if uuid in wanted:
                    families.add(wanted[uuid])
        return families

    async def _start(self, client: BleakClient, characteristic: BleakGATTCharacteristic) -> None:
        try:
            await within(_CALL_S, client.start_notify(characteristic, self._arrived))
        except BleakError:
            if not client.is_connected:
                raise
            await within(2 * _CALL_S, client.pair())  # does nothing where there is a bond
            await within(_CALL_S, client.start_notify(characteristic, self._arrived))

    async def _listen(self, connection: Connection, stream: bool) -> None:
        limit = max(self.silence_s if stream else _EPISODIC_IDLE_S, 3.0 * self.intake.device.interval_s)
        self._last = time.monotonic()
        while (left := self._last + limit - time.monotonic()) > 0:
            with contextlib.suppress(TimeoutError):
                await within(left, connection.gone.wait())
                return
        _log.info("device is silent, connecting anew", device=self.intake.device.device, seconds=limit)

    def _arrived(self, characteristic: BleakGATTCharacteristic, value: bytearray) -> None:
        self._last = time.monotonic()
        self.heard += 1
        try:
            self._queue.put_nowait((characteristic.uuid, bytes(value), self.clock.now()))
            self._pending += 1
        except asyncio.QueueFull:
            self.metrics.readings("unstored")
            if self.heard % 100 == 0:
                _log.error("outbox takes no readings, they are lost", device=self.intake.device.device)

    async def _store(self) -> None:
        """Decode what has arrived and store it, all of it together that came while the disk was busy."""
        while True:
            items = [await self._queue.get()]
            while len(items) < _GROUP and not self._queue.empty():
                items.append(self._queue.get_nowait())
            heard: list[Heard] = []
            for uuid, value, arrived in items:
                try:
                    heard.append(Heard(decode(uuid, value, arrived.wall), arrived, self._ahead))
                except UndecodableError as error:
                    _log.warning("undecodable", device=self.intake.device.device, reason=error.reason, size=len(value))
                    await self._stored(self.intake.refuse("ble", str(error), value))
            self.metrics.readings("measured", len(heard))
            self.metrics.samples("measured", sum(len(one.decoded.samples) for one in heard))
            while heard:
                try:
                    await self.intake.accept(heard)
                    break
                except OutboxError:
                    await asyncio.sleep(_RETRY_S)  # meanwhile the queue fills; what does not fit is counted
            self._pending -= len(items)
            for _ in items:
                self._queue.task_done()

    async def _stored(self, work: Coroutine[Any, Any, None]) -> None:
        """An event that finds no room is only told in the log."""
        try:
            await work
        except OutboxError as error:
            _log.error("outbox takes no events", device=self.intake.device.device, reason=str(error))


def _readable(client: BleakClient, uuid: str) -> BleakGATTCharacteristic | None:
    """The first characteristic of ``uuid`` that can be read."""
    for service in client.services:
        for one in service.characteristics:
            if full_uuid(one.uuid) == uuid and "read" in one.properties:
                return one
    return None


async def hang_up(client: BleakClient) -> None:
    """Disconnect, also what is gone already: bleak keeps a D-Bus connection until it is told."""
    with contextlib.suppress(*RADIO_ERRORS):
        await within(_HANG_UP_S, client.disconnect())
