"""The registry of GATT profiles: a device is recognised by its services, a value is decoded by its characteristic."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from devices.decoded import Decoded
from devices.errors import UndecodableError
from devices.gatt.battery import BATTERY
from devices.gatt.blood_pressure import BLOOD_PRESSURE
from devices.gatt.body_composition import BODY_COMPOSITION
from devices.gatt.continuous_glucose import CONTINUOUS_GLUCOSE
from devices.gatt.glucose_meter import GLUCOSE_METER
from devices.gatt.heart_rate import HEART_RATE
from devices.gatt.profile import Profile
from devices.gatt.pulse_oximeter import PULSE_OXIMETER
from devices.gatt.thermometer import THERMOMETER
from devices.gatt.uuids import full_uuid
from devices.gatt.weight_scale import WEIGHT_SCALE
from devices.vendors.berrymed import BERRYMED
from devices.vendors.nonin import NONIN
from devices.vendors.omron import OMRON
from devices.vendors.polar import POLAR
from devices.vendors.viatom import VIATOM

PROFILES: Final[tuple[Profile, ...]] = (
    HEART_RATE,
    PULSE_OXIMETER,
    BLOOD_PRESSURE,
    THERMOMETER,
    WEIGHT_SCALE,
    BODY_COMPOSITION,
    GLUCOSE_METER,
    CONTINUOUS_GLUCOSE,
    POLAR,
    VIATOM,
    BERRYMED,
    NONIN,
    OMRON,
)

_DECODERS: Final = {
    one.characteristic: one.decode for one in (BATTERY, *(one for profile in PROFILES for one in profile.subscriptions))
}


def profiles_of(services: Iterable[str]) -> tuple[Profile, ...]:
    """The profiles among a device's ``services`` (advertised or discovered, any form of UUID), in registry order."""
    offered = {full_uuid(service) for service in services}
    return tuple(profile for profile in PROFILES if profile.service in offered)


def decode(characteristic: str | int, value: bytes, arrived: int) -> Decoded:
    """Decode ``value`` of ``characteristic`` (UUID or assigned number); ``arrived`` in ms since the epoch.

    Raises :class:`UndecodableError`, and nothing else, for a characteristic without a decoder and for any bytes that are
    not a whole measurement.
    """
    decoder = _DECODERS.get(full_uuid(characteristic))
    if decoder is None:
        raise UndecodableError(f"characteristic {full_uuid(characteristic)[:36]}", "no decoder for it")
    return decoder(bytes(value), arrived)
