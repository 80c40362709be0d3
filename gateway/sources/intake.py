"""Stores the messages of one assigned device: samples as readings, contact and battery as events."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from devices.decoded import Decoded
from devices.wire.event import Battery, Contact, Event, Link
from devices.wire.pairing import Assigned
from gateway.clock import GatewayClock, Stamp
from gateway.metrics import Metrics
from gateway.outbox.outbox import Outbox
from gateway.outbox.reading import Reading, Refusal
from gateway.outbox.timing import measured_at


@dataclass(frozen=True, slots=True)
class State:
    """The last reported contact (with its time, ms) and battery of the device; None before the first report."""

    contact: bool | None = None
    contact_at: int = 0
    battery: int | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """One decoded message, its arrival, and the ms by which the device's clock is known to be ahead."""

    decoded: Decoded
    arrived: Stamp
    ahead: int = 0
    stream: bool = False


def readings_of(device: Assigned, received: Iterable[Received], state: State) -> tuple[list[Reading], State]:
    """The readings to be stored, in order, and the new state; pure.

    A change of contact stands before the samples it came with.  A contact older than the known one (a message sent again)
    changes nothing.
    """
    readings: list[Reading] = []
    for one in received:
        decoded = one.decoded
        bare = Reading(device.device, device.patient, one.arrived, device_time=decoded.device_time, ahead=one.ahead)
        at, _ = measured_at(one.arrived.wall, decoded.device_time, one.ahead)
        if decoded.contact is not None and decoded.contact != state.contact and at >= state.contact_at:
            readings.append(replace(bare, event=Contact(at, decoded.contact)))
        if decoded.contact is not None and at >= state.contact_at:
            state = replace(state, contact=decoded.contact, contact_at=at)
        if decoded.battery is not None and decoded.battery != state.battery:
            readings.append(replace(bare, event=Battery(at, decoded.battery)))
            state = replace(state, battery=decoded.battery)
        if len(decoded.samples):
            readings.append(replace(bare, samples=decoded.samples, record=decoded.record, stream=one.stream))
    return readings, state


class Intake:
    """Stores for one device; a message may be acknowledged only once :meth:`accept` has returned."""

    def __init__(self, device: Assigned, outbox: Outbox, clock: GatewayClock, metrics: Metrics) -> None:
        self.device = device
        self._outbox, self._clock, self._metrics = outbox, clock, metrics
        self._state = State()

    async def accept(self, received: Sequence[Received]) -> None:
        """Commit messages to the outbox; :class:`gateway.errors.OutboxError` when that fails."""
        readings, state = readings_of(self.device, received, self._state)
        if not readings:
            return
        stored = await self._outbox.put(readings)
        self._state = state
        new = [reading for reading, is_new in zip(readings, stored, strict=True) if is_new]
        self._metrics.readings("committed", len(new))
        self._metrics.readings("recognised", len(readings) - len(new))
        self._metrics.samples("committed", sum(len(one.samples) for one in new if one.samples is not None))

    async def link(self, up: bool, rssi: int | None = None) -> None:
        """Store that the connection came up or was lost."""
        await self.event(Link(self._clock.now().wall, up, rssi))

    async def event(self, event: Event) -> None:
        """Store an event of this device, now."""
        await self._outbox.put([Reading(self.device.device, self.device.patient, self._clock.now(), event=event)])
        self._metrics.readings("committed")

    async def refuse(self, source: str, reason: str, data: bytes) -> None:
        """Keep bytes that could not be decoded, with the reason; they never leave the gateway."""
        self._metrics.refused("undecodable")
        await self._outbox.refuse(Refusal(self._clock.now().wall, source, self.device.device, reason, data))
