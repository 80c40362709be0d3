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

from devices.errors import UndecodableError
from devices.gatt.battery import BATTERY
from devices.gatt.date_time import date_time
from devices.gatt.profiles import decode, profiles_of
from devices.gatt.uuids import full_uuid
from devices.wire.event import ClockCorrection
from gateway.clock import GatewayClock, Stamp
from gateway.errors import OutboxError
from gateway.limit import within
from gateway.metrics import Metrics
from gateway.sources.bleak_call import RadioError, call, hang_up, services_of
from gateway.sources.intake import Intake, Received

_CALL_S: Final = 15.0
_EPISODIC_IDLE_S: Final = 120.0
_QUEUE: Final = 2000
_GROUP: Final = 256
_RETRY_S: Final = 1.0
_DRAIN_S: Final = 10.0
_CLOCKS: Final = (full_uuid(0x2A2B), full_uuid(0x2A08))
_CLOCK_OFF_MS: Final = 5000

_log: Final = structlog.get_logger(__name__)


@dataclass(slots=True)
class Connection:
    """A connected client; ``lost`` is set when the link is known to be lost."""

    client: BleakClient
    lost: asyncio.Event
    rssi: int | None = None


@dataclass(slots=True)
class Session:
    """Receives and stores the notifications of one connection.  Call :meth:`run` once.

    A streaming device that sends nothing for ``silence_s`` is given up.
    """

    intake: Intake
    clock: GatewayClock
    metrics: Metrics
    silence_s: float = 30.0
    notifications: int = 0
    """Values received so far, the battery that was read included."""
    _queue: asyncio.Queue[tuple[str, bytes, Stamp]] = field(default_factory=lambda: asyncio.Queue(_QUEUE))
    _pending: int = 0
    _last: float = 0.0
    _ahead: int = 0

    async def run(self, connection: Connection) -> None:
        """Run until the link is lost, the device is silent for too long, or the task is cancelled; always hang up."""
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
            await self._listen(connection, storing, "stream" in families)
        except RadioError as error:
            _log.info("session ended", device=number, reason=str(error), notifications=self.notifications)
        finally:
            await hang_up(client)
            with contextlib.suppress(TimeoutError):
                await within(0 if storing.done() else _DRAIN_S, self._queue.join())
            storing.cancel()
            if self._pending:
                self.metrics.readings("unstored", self._pending)
                _log.error("outbox took no readings, they are lost", device=number, notifications=self._pending)
            if up:
                await self._stored(self.intake.link(False))

    async def _prepare(self, client: BleakClient) -> None:
        """Read the device's clock and its battery.  This comes before subscribing: BlueZ delivers a value that is read from
        a subscribed characteristic twice.
        """
        for uuid in _CLOCKS:
            characteristic = _readable(client, uuid)
            if characteristic is None:
                continue
            with contextlib.suppress(RadioError, UndecodableError):
                value = bytes(await call(_CALL_S, client.read_gatt_char(characteristic)))
                device_time = date_time(value[:7]).milliseconds
                if device_time is None:
                    continue
                now = self.clock.now()
                ahead = device_time - now.wall
                self._ahead = ahead if now.sure and abs(ahead) > _CLOCK_OFF_MS else 0
                if self._ahead:
                    await self._stored(self.intake.event(ClockCorrection(now.wall, self._ahead)))
                break
        battery = _readable(client, BATTERY.characteristic)
        if battery is not None:
            with contextlib.suppress(RadioError):
                self._received(battery, await call(_CALL_S, client.read_gatt_char(battery)))

    async def _subscribe(self, client: BleakClient) -> set[str]:
        """Subscribe to all that can be decoded, pairing where the device asks for it; return the families found."""
        services = services_of(client)
        families: set[str] = set()
        wanted = {
            one.characteristic: profile.family
            for profile in profiles_of(service.uuid for service in services)
            for one in profile.subscriptions
        }
        for characteristic in (one for service in services for one in service.characteristics):
            uuid = full_uuid(characteristic.uuid)
            if uuid not in {*wanted, BATTERY.characteristic} or not {"notify", "indicate"} & set(characteristic.properties):
                continue
            try:
                await self._start(client, characteristic)
            except RadioError as error:
                if uuid != BATTERY.characteristic or not error.answered:
                    raise
                continue
            if uuid in wanted:
                families.add(wanted[uuid])
        return families

    async def _start(self, client: BleakClient, characteristic: BleakGATTCharacteristic) -> None:
        try:
            await call(_CALL_S, client.start_notify(characteristic, self._received))
        except RadioError as error:
            if not error.answered or not client.is_connected:
                raise
            await call(2 * _CALL_S, client.pair())  # does nothing where there is a bond
            await call(_CALL_S, client.start_notify(characteristic, self._received))

    async def _listen(self, connection: Connection, storing: asyncio.Task[None], stream: bool) -> None:
        limit = max(self.silence_s if stream else _EPISODIC_IDLE_S, 3.0 * self.intake.device.interval_s)
        self._last = time.monotonic()
        lost = asyncio.create_task(connection.lost.wait())
        try:
            while (left := self._last + limit - time.monotonic()) > 0:
                done, _ = await asyncio.wait({lost, storing}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
                if storing in done:
                    storing.result()  # a bug: end the session rather than store nothing
                if done:
                    return
        finally:
            lost.cancel()
        _log.info("device is silent, connecting anew", device=self.intake.device.device, seconds=limit)

    def _received(self, characteristic: BleakGATTCharacteristic, value: bytearray) -> None:
        self._last = time.monotonic()
        self.notifications += 1
        try:
            self._queue.put_nowait((characteristic.uuid, bytes(value), self.clock.now()))
            self._pending += 1
        except asyncio.QueueFull:
            self.metrics.readings("unstored")
            if self.notifications % 100 == 0:
                _log.error("outbox takes no readings, they are lost", device=self.intake.device.device)

    async def _store(self) -> None:
        """Decode and store: all values that arrived while the disk was busy are stored together."""
        while True:
            items = [await self._queue.get()]
            while len(items) < _GROUP and not self._queue.empty():
                items.append(self._queue.get_nowait())
            received: list[Received] = []
            for uuid, value, arrived in items:
                try:
                    received.append(Received(decode(uuid, value, arrived.wall), arrived, self._ahead))
                except UndecodableError as error:
                    _log.warning("undecodable", device=self.intake.device.device, reason=error.reason, size=len(value))
                    await self._stored(self.intake.refuse("ble", str(error), value))
            self.metrics.readings("measured", len(received))
            self.metrics.samples("measured", sum(len(one.decoded.samples) for one in received))
            while received:
                try:
                    await self.intake.accept(received)
                    break
                except OutboxError:
                    await asyncio.sleep(_RETRY_S)  # meanwhile the queue fills; values that do not fit are counted
            self._pending -= len(items)
            for _ in items:
                self._queue.task_done()

    async def _stored(self, work: Coroutine[Any, Any, None]) -> None:
        """Store an event; if the outbox has no room, only log it."""
        try:
            await work
        except OutboxError as error:
            _log.error("outbox takes no events", device=self.intake.device.device, reason=str(error))


def _readable(client: BleakClient, uuid: str) -> BleakGATTCharacteristic | None:
    """The first characteristic of ``uuid`` that can be read."""
    found = (one for service in services_of(client) for one in service.characteristics)
    return next((one for one in found if full_uuid(one.uuid) == uuid and "read" in one.properties), None)
