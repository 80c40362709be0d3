"""One connection to one Bluetooth device, from subscribing to hanging up."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from typing import Any, Final
from zoneinfo import ZoneInfo

import structlog
from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic

from devices.decoded import Decoded
from devices.errors import UndecodableError
from devices.gatt.battery import BATTERY
from devices.gatt.date_time import date_time
from devices.gatt.profiles import decode
from devices.gatt.uuids import full_uuid
from gateway.clock import GatewayClock, Stamp
from gateway.errors import OutboxError
from gateway.limit import within
from gateway.metrics import Metrics
from gateway.outbox.timing import Basis, Trust
from gateway.sources.bleak_call import RadioError, call, hang_up, services_of
from gateway.sources.intake import CLOCK_OFF_MS, Intake, Received
from gateway.sources.subscribing import Refusals, name_of, subscribe
from gateway.zone import local_ahead, wrong_by

_CALL_S: Final = 15.0
_EPISODIC_IDLE_S: Final = 120.0
_QUEUE: Final = 2000
_GROUP: Final = 256
_RETRY_S: Final = 1.0
_DRAIN_S: Final = 10.0
_CLOCKS: Final = (full_uuid(0x2A2B), full_uuid(0x2A08))
NOT_SET: Final = "is not set: measurements from its memory have no time"

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

    A streaming device that sends nothing for ``silence_s`` is given up.  Times of a device whose clock cannot be read are
    local times of ``zone``, or guesses without one.
    """

    intake: Intake
    clock: GatewayClock
    metrics: Metrics
    silence_s: float = 30.0
    refusals: Refusals = field(default_factory=Refusals)
    zone: ZoneInfo | None = None
    notifications: int = 0
    """Values received so far, the battery that was read included."""
    _queue: asyncio.Queue[tuple[str, bytes, Stamp]] = field(default_factory=lambda: asyncio.Queue(_QUEUE))
    _pending: int = 0
    _last: float = 0.0
    _ahead: int = 0
    _clock_read: bool = False

    async def run(self, connection: Connection) -> None:
        """Run until the link is lost, the device is silent for too long, or the task is cancelled; always hang up."""
        client, number = connection.client, self.intake.device.device
        storing = asyncio.create_task(self._store(), name=f"device {number}")
        up = False
        try:
            await self._stored(self.intake.link(True, connection.rssi))
            up = True
            await self._prepare(client)
            families = await subscribe(client, self._received, self.refusals, self._say)
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
            value = await self._read(client, uuid)
            if value is None:
                continue
            with contextlib.suppress(UndecodableError):
                device_time = date_time(value[:7]).milliseconds
                now = self.clock.now()
                if device_time is None or not now.sure:
                    continue
                off = device_time - now.wall
                self._clock_read, self._ahead = True, off if abs(off) > CLOCK_OFF_MS else 0
                correction = self.intake.new_correction(wrong_by(self.zone, device_time, now.wall))
                if correction is not None:
                    await self._stored(self.intake.event(correction))
                break
        charge = await self._read(client, BATTERY.characteristic)
        if charge is not None:
            self._note(BATTERY.characteristic, charge)

    async def _read(self, client: BleakClient, uuid: str) -> bytes | None:
        """The value of the first characteristic of ``uuid`` that can be read; None without one, or where that fails."""
        found = (one for service in services_of(client) for one in service.characteristics)
        readable = (one for one in found if full_uuid(one.uuid) == uuid and "read" in one.properties)
        characteristic = next(readable, None)
        if characteristic is None:
            return None
        if self.refusals.leave_alone(characteristic):
            await self._say(name_of(characteristic), "ends the connection when it is asked for")
            return None
        try:
            return bytes(await call(_CALL_S, client.read_gatt_char(characteristic)))
        except RadioError:
            self.refusals.failed(client, characteristic)
            return None

    async def _say(self, what: str, reason: str) -> None:
        """Tell that a part of the device cannot be used."""
        await self._stored(self.intake.fault(what, reason))

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
        self._note(characteristic.uuid, bytes(value))

    def _note(self, uuid: str, value: bytes) -> None:
        self._last = time.monotonic()
        self.notifications += 1
        try:
            self._queue.put_nowait((uuid, value, self.clock.now()))
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
                    received.append(self._claimed(decode(uuid, value, arrived.wall), arrived))
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

    def _claimed(self, decoded: Decoded, arrived: Stamp) -> Received:
        """The message with what is known of the device's clock."""
        basis, ahead, events = Basis.KNOWN, self._ahead, []
        if not decoded.clock_set:
            basis, ahead, decoded = Basis.NONE, 0, replace(decoded, device_time=decoded.mark)
            events = [one for one in (self.intake.new_fault("clock", NOT_SET),) if one is not None]
        elif decoded.device_time is not None and not self._clock_read:
            basis = Basis.GUESS if self.zone is None else Basis.ZONE
            ahead = local_ahead(self.zone, decoded.device_time, arrived.wall) if self.zone is not None else 0
        return Received(decoded, arrived, ahead, trust=Trust(basis, decoded.from_memory), events=tuple(events))

    async def _stored(self, work: Coroutine[Any, Any, None]) -> None:
        """Store an event; if the outbox has no room, only log it."""
        try:
            await work
        except OutboxError as error:
            _log.error("outbox takes no events", device=self.intake.device.device, reason=str(error))
