"""Subscribes to all that can be decoded of a device.  A characteristic that refuses costs itself alone: it is named, the
others are heard, and the device is not connected anew for it.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from typing import Any, Final

from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic

from devices.gatt.battery import BATTERY
from devices.gatt.profiles import profiles_of
from devices.gatt.uuids import full_uuid
from gateway.sources.bleak_call import RadioError, call, services_of

CALL_S: Final = 15.0
_PAIR_S: Final = 30.0
_CUTS: Final = 2
"""Links that end while a characteristic is asked for, before it is left alone."""
_PAIR_AGAIN_S: Final = 3600.0
_UNPAIRED: Final = "refuses its subscription without a pairing, and the pairing fails: it may want a passkey"

Say = Callable[[str, str], Awaitable[None]]
"""Tells (part, reason), once each, that a part of the device cannot be used."""


@dataclass(slots=True)
class Refusals:
    """The characteristics that one device has refused so far, over its connections."""

    cuts: Counter[int] = field(default_factory=Counter)
    """Links that ended while the characteristic of this handle was asked for."""
    unpaired_at: float | None = None
    """Monotonic seconds of the last pairing that failed."""

    def leave_alone(self, characteristic: BleakGATTCharacteristic) -> bool:
        """Return True for a characteristic that has cost too many links."""
        return self.cuts[characteristic.handle] >= _CUTS

    def failed(self, client: BleakClient, characteristic: BleakGATTCharacteristic) -> None:
        """Note that a call about ``characteristic`` failed, and with it perhaps the link."""
        if not client.is_connected:
            self.cuts[characteristic.handle] += 1

    @property
    def may_pair(self) -> bool:
        """True if pairing did not fail lately; a failure may cost the link."""
        return self.unpaired_at is None or time.monotonic() - self.unpaired_at > _PAIR_AGAIN_S


async def subscribe(client: BleakClient, received: Callable[..., Any], refusals: Refusals, say: Say) -> set[str]:
    """Subscribe, pairing where the device asks for it; return the families that are heard.

    Raises :class:`RadioError` where the link is lost, or where all that would be heard is refused.
    """
    asking = _Asking(client, received, refusals, say)
    for characteristic, family in _wanted(client):
        await asking.ask(characteristic, family)
    answered = any(error.answered for _, error in asking.refused.values())
    if answered and (refusals.may_pair or not asking.taken):
        await asking.pair()
    for characteristic, error in asking.refused.values():
        await say(name_of(characteristic), f"refuses its subscription ({error.reason})" if refusals.may_pair else _UNPAIRED)
    if asking.refused and not asking.taken:
        raise next(error for _, error in asking.refused.values())
    with contextlib.suppress(RadioError):
        for battery in _characteristics(client, {BATTERY.characteristic}):
            await call(CALL_S, client.start_notify(battery, received))
    return asking.taken


@dataclass(slots=True)
class _Asking:
    client: BleakClient
    received: Callable[..., Any]
    refusals: Refusals
    say: Say
    taken: set[str] = field(default_factory=set)
    refused: dict[int, tuple[BleakGATTCharacteristic, RadioError]] = field(default_factory=dict)

    async def ask(self, characteristic: BleakGATTCharacteristic, family: str) -> None:
        if self.refusals.leave_alone(characteristic):
            await self.say(name_of(characteristic), "ends the connection when it is asked for")
            return
        try:
            await call(CALL_S, self.client.start_notify(characteristic, self.received))
        except RadioError as error:
            self.refusals.failed(self.client, characteristic)
            if not self.client.is_connected:
                raise
            self.refused[characteristic.handle] = characteristic, error
        else:
            self.taken.add(family)
            self.refused.pop(characteristic.handle, None)

    async def pair(self) -> None:
        """Pair, then ask those that refused once more."""
        try:
            await call(_PAIR_S, self.client.pair())  # does nothing where there is a bond
        except RadioError:
            self.refusals.unpaired_at = time.monotonic()
            for characteristic, _ in self.refused.values():
                await self.say(name_of(characteristic), _UNPAIRED)
            if not self.taken or not self.client.is_connected:
                raise
            self.refused.clear()
            return
        self.refusals.unpaired_at = None
        for characteristic, family in _wanted(self.client):
            if characteristic.handle in self.refused:
                await self.ask(characteristic, family)


def name_of(characteristic: BleakGATTCharacteristic) -> str:
    """The characteristic in a message: its assigned number where it has one."""
    uuid = full_uuid(characteristic.uuid)
    return f"characteristic {uuid[4:8].upper() if uuid == full_uuid(uuid[4:8]) else uuid}"


def _wanted(client: BleakClient) -> list[tuple[BleakGATTCharacteristic, str]]:
    """The characteristics to be heard, each with its family; a device may have several of one UUID."""
    families = {
        one.characteristic: profile.family
        for profile in profiles_of(service.uuid for service in services_of(client))
        for one in profile.subscriptions
    }
    return [(one, families[full_uuid(one.uuid)]) for one in _characteristics(client, families)]


def _characteristics(client: BleakClient, uuids: Collection[str]) -> list[BleakGATTCharacteristic]:
    found = (one for service in services_of(client) for one in service.characteristics)
    return [one for one in found if full_uuid(one.uuid) in uuids and {"notify", "indicate"} & set(one.properties)]
