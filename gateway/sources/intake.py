"""Stores the messages of one assigned device: samples as readings, contact and battery as events."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import structlog

from devices.decoded import Decoded
from devices.gatt.dialogue import Cursor
from devices.jumps import Jumps
from devices.specimen import Specimen
from devices.wire.event import Battery, ClockCorrection, Contact, Event, Fault, Link, SpecimenChange
from devices.wire.pairing import Assigned
from gateway.clock import GatewayClock, Stamp
from gateway.metrics import Metrics
from gateway.outbox.outbox import Outbox
from gateway.outbox.reading import Reading, Refusal
from gateway.outbox.timing import KNOWN, Claim, Trust, timed
from gateway.sources.sent_clock import RIGHT_MS, SentClock

CLOCK_OFF_MS: Final = RIGHT_MS
_AGAIN_S: Final = 86_400.0
_MOST_REPORTED: Final = 100

_log: Final = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class State:
    """The last reported contact (with its time, ms), battery and specimen of the device; None before the first report."""

    contact: bool | None = None
    contact_at: int = 0
    battery: int | None = None
    specimen: Specimen | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """One decoded message, its arrival, the ms by which the device's clock is known to be ahead, and the reason to believe
    its time; ``events`` is what the gateway has to say about it.
    """

    decoded: Decoded
    arrived: Stamp
    ahead: int = 0
    stream: bool = False
    trust: Trust = KNOWN
    events: tuple[Event, ...] = ()


def readings_of(device: Assigned, received: Iterable[Received], state: State) -> tuple[list[Reading], State]:
    """The readings to be stored, in order, and the new state; pure.

    A change of contact stands before the samples it came with.  A contact older than the known one (a message sent again)
    or from the device's memory changes nothing.
    """
    readings: list[Reading] = []
    for one in received:
        decoded = one.decoded
        bare = Reading(device.device, device.patient, one.arrived, ahead=one.ahead, trust=one.trust)
        readings += [replace(bare, event=event) for event in one.events]
        bare = replace(bare, device_time=decoded.device_time)
        found = timed(Claim(one.arrived.wall, decoded.device_time, one.ahead, one.trust))
        at = one.arrived.wall if found is None else found.measured
        contact = None if decoded.from_memory or at < state.contact_at else decoded.contact
        if contact is not None and contact != state.contact:
            readings.append(replace(bare, event=Contact(at, contact)))
        if contact is not None:
            state = replace(state, contact=contact, contact_at=at)
        if decoded.battery is not None and decoded.battery != state.battery:
            readings.append(replace(bare, event=Battery(at, decoded.battery)))
            state = replace(state, battery=decoded.battery)
        if decoded.specimen is not None and decoded.specimen != state.specimen:
            readings.append(replace(bare, event=SpecimenChange(at, decoded.specimen.words)))
            state = replace(state, specimen=decoded.specimen)
        readings += [replace(bare, event=event) for event in decoded.events]
        if len(decoded.samples):
            readings.append(replace(bare, samples=decoded.samples, record=decoded.record, stream=one.stream))
    return readings, state


def _plain(text: str) -> str:
    """The text as an event may hold it: short, printable ASCII."""
    return "".join(letter if " " <= letter <= "~" else "?" for letter in text[:200]) or "?"


class Intake:
    """Stores for one device; a message may be acknowledged only once :meth:`accept` has returned."""

    def __init__(self, device: Assigned, outbox: Outbox, clock: GatewayClock, metrics: Metrics) -> None:
        self.device = device
        self._outbox, self._clock, self._metrics = outbox, clock, metrics
        self._state = State()
        self._reported: dict[tuple[str, str], float] = {}
        self._off = 0
        self.sent_clock, self.jumps = SentClock(), Jumps()

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

    async def cursor(self, profile: str) -> Cursor | None:
        """The place up to which the device's memory has been read."""
        return await self._outbox.cursor(self.device.device, profile)

    async def advance(self, profile: str, cursor: Cursor) -> None:
        """Move that cursor: what :meth:`accept` has stored reaches so far."""
        await self._outbox.advance(self.device.device, profile, cursor)

    async def link(self, up: bool, rssi: int | None = None) -> None:
        """Store that the connection came up or was lost."""
        await self.event(Link(self._clock.now().wall, up, rssi))

    async def event(self, event: Event) -> None:
        """Store an event of this device, now."""
        await self._outbox.put([Reading(self.device.device, self.device.patient, self._clock.now(), event=event)])
        self._metrics.readings("committed")

    async def fault(self, what: str, reason: str) -> None:
        """Log and store that a part of the device cannot be used, once a day."""
        if (fault := self.new_fault(what, reason)) is not None:
            await self.event(fault)

    def new_fault(self, what: str, reason: str) -> Fault | None:
        """The event that says so, logged; None where it was told within a day."""
        what, reason = _plain(what), _plain(reason)
        reported, now = self._reported.get((what, reason)), time.monotonic()
        if reported is not None and now - reported < _AGAIN_S:
            return None
        if len(self._reported) >= _MOST_REPORTED:  # a device that finds ever new reasons is told of no more
            return None
        self._reported[what, reason] = now
        _log.warning("a part of a device cannot be used", device=self.device.device, part=what, reason=reason)
        return Fault(self._clock.now().wall, what, reason)

    def new_correction(self, off: int) -> ClockCorrection | None:
        """The event that says by how many ms the device's clock is wrong, logged; None where that was told.

        A clock that is right again is told as well.
        """
        if abs(off - self._off) <= CLOCK_OFF_MS:
            return None
        self._off = off if abs(off) > CLOCK_OFF_MS else 0
        _log.warning("a device's clock is wrong", device=self.device.device, off_s=round(off / 1000))
        return ClockCorrection(self._clock.now().wall, self._off)

    async def refuse(self, source: str, reason: str, data: bytes) -> None:
        """Keep bytes that could not be decoded, with the reason; they never leave the gateway."""
        self._metrics.refused("undecodable")
        await self._outbox.refuse(Refusal(self._clock.now().wall, source, self.device.device, reason, data))
