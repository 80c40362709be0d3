"""The GATT profiles Vigil listens to, and the one way to decode what they send."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Literal

from devices.decoded import Decoded
from devices.errors import UndecodableError
from devices.gatt.battery import BATTERY_LEVEL, decode_battery
from devices.gatt.blood_pressure import BLOOD_PRESSURE_MEASUREMENT, decode_blood_pressure
from devices.gatt.heart_rate import HEART_RATE_MEASUREMENT, decode_heart_rate
from devices.gatt.pulse_oximeter import PLX_CONTINUOUS, PLX_SPOT_CHECK, decode_continuous, decode_spot_check
from devices.gatt.thermometer import TEMPERATURE_MEASUREMENT, decode_temperature
from devices.gatt.uuids import full_uuid


@dataclass(frozen=True, slots=True)
class Subscription:
    """A characteristic to subscribe to, where the device has it; ``mode`` is how the profile has it sent."""

    characteristic: str
    mode: Literal["notify", "indicate"]


@dataclass(frozen=True, slots=True)
class Profile:
    """A kind of device: ``stream`` sends while worn, ``episodic`` sends what was measured and may then hang up."""

    name: str
    service: str
    subscriptions: tuple[Subscription, ...]
    family: Literal["stream", "episodic"]


BATTERY_SERVICE: Final = full_uuid(0x180F)
BATTERY: Final = Subscription(full_uuid(BATTERY_LEVEL), "notify")
"""Any device may have it: read once after connecting, subscribe where it notifies."""

PROFILES: Final[tuple[Profile, ...]] = (
    Profile("heart rate", full_uuid(0x180D), (Subscription(full_uuid(HEART_RATE_MEASUREMENT), "notify"),), "stream"),
    Profile(
        "pulse oximeter",
        full_uuid(0x1822),
        (Subscription(full_uuid(PLX_CONTINUOUS), "notify"), Subscription(full_uuid(PLX_SPOT_CHECK), "indicate")),
        "stream",
    ),
    Profile(
        "blood pressure",
        full_uuid(0x1810),
        (Subscription(full_uuid(BLOOD_PRESSURE_MEASUREMENT), "indicate"),),
        "episodic",
    ),
    Profile("thermometer", full_uuid(0x1809), (Subscription(full_uuid(TEMPERATURE_MEASUREMENT), "indicate"),), "episodic"),
)

_DECODERS: Final[dict[str, Callable[[bytes, int], Decoded]]] = {
    full_uuid(number): decoder
    for number, decoder in (
        (HEART_RATE_MEASUREMENT, decode_heart_rate),
        (PLX_CONTINUOUS, decode_continuous),
        (PLX_SPOT_CHECK, decode_spot_check),
        (BLOOD_PRESSURE_MEASUREMENT, decode_blood_pressure),
        (TEMPERATURE_MEASUREMENT, decode_temperature),
        (BATTERY_LEVEL, decode_battery),
    )
}

DECODABLE: Final = frozenset(_DECODERS)
"""Full UUIDs of the characteristics :func:`decode` knows."""


def profiles_of(services: Iterable[str]) -> tuple[Profile, ...]:
    """The profiles among a device's ``services`` (advertised or discovered, any form of UUID), in table order."""
    offered = {full_uuid(service) for service in services}
    return tuple(profile for profile in PROFILES if profile.service in offered)


def decode(characteristic: str | int, value: bytes, arrived: int) -> Decoded:
    """What ``value`` of ``characteristic`` (UUID or assigned number) says; ``arrived`` in ms since the epoch.

    Raises :class:`UndecodableError`, and nothing else, for a characteristic without a decoder and for any bytes that are
    not a whole measurement.
    """
    decoder = _DECODERS.get(full_uuid(characteristic))
    if decoder is None:
        raise UndecodableError(f"characteristic {full_uuid(characteristic)[:36]}", "no decoder for it")
    return decoder(bytes(value), arrived)
