"""Stores the messages of one address for each person who uses that device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from devices.gatt.weight_scale import UNKNOWN_USER
from devices.sample import Status
from devices.vitals import Vital
from devices.wire.event import Event
from devices.wire.pairing import Assigned
from gateway.clock import GatewayClock
from gateway.metrics import Metrics
from gateway.outbox.outbox import Outbox
from gateway.outbox.reading import Reading
from gateway.sources.intake import Intake, Received
from gateway.sources.owner import owner, proposal

WAITS: Final = "is not assigned: its measurements wait in the gateway until the device is paired for that user"
NAMELESS: Final = "a measurement that names no user waits in the gateway"


class SharedIntake(Intake):
    """An intake for each assignment of one address; ``device`` is the first of them.  Events of the device go to all."""

    def __init__(self, devices: Sequence[Assigned], outbox: Outbox, clock: GatewayClock, metrics: Metrics) -> None:
        super().__init__(devices[0], outbox, clock, metrics)
        self._devices = tuple(devices)
        self._intakes = {one.device: Intake(one, outbox, clock, metrics) for one in devices}
        self._bound: dict[int, int | None] = {}
        self._weights: dict[int, float] = {}  # kg, by user

    async def begin(self) -> None:
        """Store what waited for the users who are assigned now; call it once, before the first message."""
        for one in self._devices:
            if one.user is not None:
                await self._outbox.release_held(one.address.upper(), one.user, one.device, one.patient)
            else:
                self._bound[one.device] = await self._outbox.bound_user(one.device)

    async def accept(self, received: Sequence[Received]) -> None:
        """Commit each message for its owner; one without an owner waits, and that is told once a day."""
        of: dict[int, list[Received]] = {}
        for one in received:
            if not len(one.decoded.samples):  # of the device itself, such as its battery
                for device in self._devices:
                    of.setdefault(device.device, []).append(one)
                continue
            found = owner(one.decoded.user, self._devices, next(iter(self._bound.values()), None))
            if found is None:
                await self._hold(one)
                continue
            await self._bind(found, one.decoded.user)
            self._note_weight(found, one)
            of.setdefault(found.device, []).append(one)
        for number, messages in of.items():
            await self._intakes[number].accept(messages)

    async def event(self, event: Event) -> None:
        """Store an event of the device for each of its users."""
        for one in self._intakes.values():
            await one.event(event)

    async def _bind(self, found: Assigned, user: int | None) -> None:
        if found.user is None and user not in (None, UNKNOWN_USER) and self._bound.get(found.device) is None:
            assert user is not None
            await self._outbox.bind_user(found.device, user)
            self._bound[found.device] = user

    async def _hold(self, one: Received) -> None:
        decoded, user = one.decoded, one.decoded.user
        reading = Reading(
            0, 0, one.arrived, samples=decoded.samples, device_time=decoded.device_time, record=decoded.record,
            ahead=one.ahead, trust=one.trust,
        )  # fmt: skip
        await self._outbox.hold(self.device.address.upper(), user, reading)
        if user is not None and user != UNKNOWN_USER:
            await self.fault(f"user {user}", WAITS)
            return
        likely = next((proposal(weight, self._weights) for weight in _weights(one)), None)
        await self.fault("user", NAMELESS if likely is None else f"{NAMELESS}: by its weight it may be of user {likely}")

    def _note_weight(self, found: Assigned, one: Received) -> None:
        for weight in _weights(one):
            if found.user is not None:
                self._weights[found.user] = weight


def _weights(one: Received) -> list[float]:
    samples = one.decoded.samples
    return [float(s["value"]) for s in samples if s["vital"] == Vital.WEIGHT and s["status"] == Status.OK]
