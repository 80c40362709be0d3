"""One connection to one Bluetooth device, from subscribing to hanging up."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine, Sequence
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
from devices.gatt.dialogue import Cursor, Dialogue, Request, Step
from devices.gatt.profile import Profile
from devices.gatt.profiles import decode
from devices.gatt.record_dialogue import CONTROL as RECORD_ACCESS
from devices.gatt.uuids import full_uuid
from gateway.clock import GatewayClock, Stamp
from gateway.errors import OutboxError
from gateway.limit import within
from gateway.metrics import Metrics
from gateway.outbox.timing import Basis, Trust
from gateway.sources.bleak_call import RadioError, call, hang_up, services_of
from gateway.sources.dialogues import Dialogues, offers, tick
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


@dataclass(frozen=True, slots=True)
class _Event:
    """A value of the device, or a moment of a dialogue; ``make`` gives the step that follows from it."""

    make: Callable[[], Step]
    arrived: Stamp
    value: bytes | None = None
    dialogue: Dialogue | None = None


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
    _dialogues: Dialogues | None = None
    _queue: asyncio.Queue[_Event] = field(default_factory=lambda: asyncio.Queue(_QUEUE))
    _pending: int = 0
    _last: float = 0.0
    _ahead: int = 0
    _clock_read: bool = False

    async def run(self, connection: Connection) -> None:
        """Run until the link is lost, the device is silent for too long, or the task is cancelled; always hang up."""
        client, number = connection.client, self.intake.device.device
        storing = asyncio.create_task(self._store(), name=f"device {number}")
        up, ticks = False, list[asyncio.Task[None]]()
        try:
            await self._stored(self.intake.link(True, connection.rssi))
            up = True
            profiles = offers(client)
            dialogues = self._dialogues = Dialogues(client, profiles, await self._cursors(profiles))
            await self._prepare(client, dialogues)
            families = await subscribe(client, self._received, self.refusals, self._say)
            if not families:
                _log.warning("device offers nothing Vigil understands", device=number)
                return
            for one in dialogues.all:
                self._put(_Event(one.begin, self.clock.now(), dialogue=one))
                ticks.append(asyncio.create_task(tick(one, self._tick), name=f"device {number}, {one.profile.name}"))
            await self._listen(connection, storing, "stream" in families, dialogues.idle_s)
        except RadioError as error:
            _log.info("session ended", device=number, reason=str(error), notifications=self.notifications)
        finally:
            for ticking in ticks:
                ticking.cancel()
            await hang_up(client)
            with contextlib.suppress(TimeoutError):
                await within(0 if storing.done() else _DRAIN_S, self._queue.join())
            storing.cancel()
            if self._pending:
                self.metrics.readings("unstored", self._pending)
                _log.error("outbox took no readings, they are lost", device=number, notifications=self._pending)
            if up:
                await self._stored(self.intake.link(False))

    async def _cursors(self, profiles: Sequence[Profile]) -> dict[str, Cursor | None]:
        kept = (one.name for one in profiles if RECORD_ACCESS in {each.characteristic for each in one.subscriptions})
        return {name: await self.intake.cursor(name) for name in kept}

    async def _prepare(self, client: BleakClient, dialogues: Dialogues) -> None:
        """Read the device's clock, its battery and what its dialogues need.  This comes before subscribing: BlueZ delivers a
        value that is read from a subscribed characteristic twice.
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
            self._note(None, BATTERY.characteristic, charge)
        for dialogue, characteristic in dialogues.to_read():
            value = await self._read_one(client, characteristic)
            if value is None:
                continue
            try:
                dialogue.read(full_uuid(characteristic.uuid), value, self.clock.now().wall)
            except UndecodableError as error:
                await self._stored(self.intake.refuse("ble", str(error), value))

    async def _read(self, client: BleakClient, uuid: str) -> bytes | None:
        """The value of the first characteristic of ``uuid`` that can be read; None without one, or where that fails."""
        found = (one for service in services_of(client) for one in service.characteristics)
        readable = (one for one in found if full_uuid(one.uuid) == uuid and "read" in one.properties)
        characteristic = next(readable, None)
        return None if characteristic is None else await self._read_one(client, characteristic)

    async def _read_one(self, client: BleakClient, characteristic: BleakGATTCharacteristic) -> bytes | None:
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

    async def _listen(self, connection: Connection, storing: asyncio.Task[None], stream: bool, idle_s: float) -> None:
        limit = max(self.silence_s if stream else _EPISODIC_IDLE_S, 3.0 * self.intake.device.interval_s, idle_s)
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
        dialogue = self._dialogues.of(characteristic) if self._dialogues is not None else None
        self._note(dialogue, full_uuid(characteristic.uuid), bytes(value))

    def _note(self, dialogue: Dialogue | None, uuid: str, value: bytes) -> None:
        """Take a value; one that belongs to no dialogue (the battery) is decoded by itself."""
        self._last, now = time.monotonic(), self.clock.now()
        self.notifications += 1

        def make() -> Step:
            return dialogue.received(uuid, value, now.wall) if dialogue else Step((decode(uuid, value, now.wall),))

        if self._put(_Event(make, now, value, dialogue)):
            self._pending += 1
            return
        self.metrics.readings("unstored")
        if self.notifications % 100 == 0:
            _log.error("outbox takes no readings, they are lost", device=self.intake.device.device)

    def _tick(self, dialogue: Dialogue) -> None:
        self._put(_Event(dialogue.tick, self.clock.now(), dialogue=dialogue))

    def _put(self, event: _Event) -> bool:
        try:
            self._queue.put_nowait(event)
        except asyncio.QueueFull:
            return False
        return True

    async def _store(self) -> None:
        """Decode and store: all values that arrived while the disk was busy are stored together.  What the dialogues ask
        for, and how far they have come, follows once that is on the disk.
        """
        while True:
            items = [await self._queue.get()]
            while len(items) < _GROUP and not self._queue.empty():
                items.append(self._queue.get_nowait())
            received: list[Received] = []
            steps: list[tuple[Dialogue, Step]] = []
            for one in items:
                step = await self._step(one)
                ahead = one.dialogue.ahead if one.dialogue is not None else None
                received += [self._claimed(decoded, one.arrived, ahead) for decoded in step.readings]
                if one.dialogue is not None:
                    steps.append((one.dialogue, step))
            self.metrics.readings("measured", len(received))
            self.metrics.samples("measured", sum(len(one.decoded.samples) for one in received))
            while received:
                try:
                    await self.intake.accept(received)
                    break
                except OutboxError:
                    await asyncio.sleep(_RETRY_S)  # meanwhile the queue fills; values that do not fit are counted
            for dialogue, step in steps:
                await self._go_on(dialogue, step)
            self._pending -= sum(one.value is not None for one in items)
            for _ in items:
                self._queue.task_done()

    async def _step(self, event: _Event) -> Step:
        try:
            step = event.make()
        except UndecodableError as error:
            _log.warning("undecodable", device=self.intake.device.device, reason=error.reason, size=len(event.value or b""))
            step = Step(refused=(str(error),))
        for reason in step.refused:
            await self._stored(self.intake.refuse("ble", reason, event.value or b""))
        return step

    async def _go_on(self, dialogue: Dialogue, step: Step) -> None:
        """Do what follows a step whose readings are stored."""
        if step.cursor is not None:
            await self._stored(self.intake.advance(dialogue.profile.name, step.cursor))
        if step.fault:
            await self._say(f"profile {dialogue.profile.name}", step.fault)
        for request in step.requests:
            await self._ask(dialogue, request)

    async def _ask(self, dialogue: Dialogue, request: Request) -> None:
        if self._dialogues is None:
            return
        try:
            await self._dialogues.send(dialogue, request)
        except RadioError as error:
            if error.answered:
                await self._say(f"profile {dialogue.profile.name}", f"refuses a request ({error.reason})")

    def _claimed(self, decoded: Decoded, arrived: Stamp, known: int | None = None) -> Received:
        """The message with what is known of the device's clock; a dialogue may have ``known`` how far it is ahead (ms)."""
        if decoded.device_time is None and decoded.clock_set:  # measured now, one after the other
            self.intake.jumps.mark(decoded.samples, arrived.wall)
        basis, ahead, events = Basis.KNOWN, self._ahead, []
        if known is not None:
            ahead = known
        elif not decoded.clock_set:
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
