"""Temperature Measurement (2A1C).

Source: Bluetooth SIG, Health Thermometer Service 1.0 and GATT Specification Supplement, Temperature Measurement.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from devices.decoded import Decoded, samples_of
from devices.gatt.date_time import DateTime
from devices.gatt.fields import Fields
from devices.gatt.numbers import Number
from devices.gatt.profile import Profile, Subscription
from devices.gatt.uuids import full_uuid
from devices.units import fahrenheit_to_celsius
from devices.vitals import Vital

TEMPERATURE_MEASUREMENT: Final = 0x2A1C


@dataclass(frozen=True, slots=True)
class Temperature:
    """The fields as sent, in ``unit``; ``site`` is the code of the place on the body (2A1D), None where not sent."""

    temperature: Number
    unit: Literal["C", "F"]
    time: DateTime | None
    site: int | None


def parse_temperature(data: bytes) -> Temperature:
    """Parse one measurement as sent."""
    fields = Fields("temperature measurement", data)
    flags = fields.unsigned("flags", 1)
    return Temperature(
        fields.medical_float("temperature"),
        unit="F" if flags & 0x01 else "C",
        time=fields.date_time("time stamp") if flags & 0x02 else None,
        site=fields.unsigned("temperature type", 1) if flags & 0x04 else None,
    )


def decode_temperature(data: bytes, arrived: int) -> Decoded:
    """Decode one temperature in Cel, with the thermometer's time."""
    found = parse_temperature(data)
    number = found.temperature
    if found.unit == "F" and number.value is not None:
        number = Number(fahrenheit_to_celsius(number.value))
    return Decoded(
        samples_of([(Vital.TEMPERATURE, *number.stored())], arrived),
        device_time=found.time.milliseconds if found.time else None,
        clock_set=found.time is None or found.time.is_date,
    )


THERMOMETER: Final = Profile(
    "thermometer",
    "episodic",
    full_uuid(0x1809),
    (Subscription(full_uuid(TEMPERATURE_MEASUREMENT), "indicate", decode_temperature),),
)
