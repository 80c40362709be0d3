"""Heart Rate Measurement (2A37).

Source: Bluetooth SIG, Heart Rate Service 1.0 and GATT Specification Supplement, Heart Rate Measurement.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from devices.decoded import Decoded, samples_of
from devices.gatt.fields import Fields
from devices.gatt.numbers import Number
from devices.gatt.profile import Profile, Subscription
from devices.gatt.uuids import full_uuid
from devices.nothing import rate_of_one_byte
from devices.sample import Status
from devices.vitals import Vital

HEART_RATE_MEASUREMENT: Final = 0x2A37

_WIDE, _DETECTED, _SUPPORTED, _ENERGY, _INTERVALS = 0x01, 0x02, 0x04, 0x08, 0x10


@dataclass(frozen=True, slots=True)
class HeartRate:
    """``contact`` is None where the sensor cannot tell; ``intervals`` are RR intervals in 1/1024 s, oldest first."""

    rate: int  # /min
    contact: bool | None
    energy: int | None  # kJ since the last reset
    intervals: tuple[int, ...]
    wide: bool = False  # the rate was sent in two bytes


def parse_heart_rate(data: bytes) -> HeartRate:
    """Parse one measurement as sent."""
    fields = Fields("heart rate measurement", data)
    flags = fields.unsigned("flags", 1)
    rate = fields.unsigned("heart rate", 2 if flags & _WIDE else 1)
    energy = fields.unsigned("energy expended", 2) if flags & _ENERGY else None
    intervals = [fields.unsigned("RR interval", 2)] if flags & _INTERVALS else []
    while intervals and fields.left:
        intervals.append(fields.unsigned("RR interval", 2))
    # "Detected" means nothing from a sensor that does not support it.
    contact = bool(flags & _DETECTED) if flags & _SUPPORTED else None
    return HeartRate(rate, contact, energy, tuple(intervals), wide=bool(flags & _WIDE))


def decode_heart_rate(data: bytes, arrived: int) -> Decoded:
    """Decode one heart rate; it is ``SENSOR_OFF`` when the sensor reports no contact with the skin."""
    found = parse_heart_rate(data)
    status = Status.SENSOR_OFF if found.contact is False else Status.OK
    rate = Number(found.rate) if found.wide else rate_of_one_byte(found.rate)
    return Decoded(samples_of([(Vital.HEART_RATE, *rate.stored(status))], arrived), contact=found.contact)


HEART_RATE: Final = Profile(
    "heart rate",
    "stream",
    full_uuid(0x180D),
    (Subscription(full_uuid(HEART_RATE_MEASUREMENT), "notify", decode_heart_rate),),
)
