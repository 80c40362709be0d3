"""The dialogues of one connection: which one reads, asks for and understands each characteristic."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic

from devices.gatt.dialogue import Cursor, Dialogue, Request
from devices.gatt.profile import Profile
from devices.gatt.profiles import profiles_of
from devices.gatt.uuids import full_uuid
from gateway.sources.bleak_call import call, services_of

_CALL_S: Final = 15.0


class Dialogues:
    """One dialogue for each profile that the device :func:`offers`.  ``cursors`` by the profile's name."""

    def __init__(self, client: BleakClient, profiles: Sequence[Profile], cursors: Mapping[str, Cursor | None]) -> None:
        self._client = client
        self.all: Final = tuple(one.dialogue(one, cursors.get(one.name)) for one in profiles)

    def of(self, characteristic: BleakGATTCharacteristic) -> Dialogue | None:
        """The dialogue that a value of ``characteristic`` belongs to: of its service, where several know it."""
        uuid, service = full_uuid(characteristic.uuid), full_uuid(characteristic.service_uuid)
        able = [one for one in self.all if uuid in {each.characteristic for each in one.profile.subscriptions}]
        return next((one for one in able if one.profile.service == service), able[0] if able else None)

    def to_read(self) -> list[tuple[Dialogue, BleakGATTCharacteristic]]:
        """The characteristics that dialogues want read, as far as the device has them, in their order."""
        wanted = [(one, next(iter(self._find(one, uuid)), None)) for one in self.all for uuid in one.reads]
        return [(one, found) for one, found in wanted if found is not None and "read" in found.properties]

    async def send(self, dialogue: Dialogue, request: Request) -> None:
        """Write ``request``; :class:`gateway.sources.bleak_call.RadioError` where that fails."""
        for found in self._find(dialogue, request.characteristic):
            await call(_CALL_S, self._client.write_gatt_char(found, request.value, response=request.response))
            return

    @property
    def idle_s(self) -> float:
        """The longest silence that is usual for one of the profiles."""
        return max((one.profile.idle_s for one in self.all), default=0.0)

    def _find(self, dialogue: Dialogue, uuid: str) -> list[BleakGATTCharacteristic]:
        """The characteristics of that UUID, those of the profile's own service first."""
        services = services_of(self._client)
        services.sort(key=lambda one: full_uuid(one.uuid) != dialogue.profile.service)
        return [one for service in services for one in service.characteristics if full_uuid(one.uuid) == uuid]


def offers(client: BleakClient) -> tuple[Profile, ...]:
    """The profiles of a connected device; :class:`gateway.sources.bleak_call.RadioError` once the link is lost."""
    return profiles_of(service.uuid for service in services_of(client))


async def tick(dialogue: Dialogue, due: Callable[[Dialogue], None]) -> None:
    """Call ``due`` each ``tick_s`` seconds until cancelled."""
    while dialogue.tick_s is not None:
        await asyncio.sleep(dialogue.tick_s)
        due(dialogue)
