"""Weight Measurement (2A9D) and Weight Scale Feature (2A9E).

Source: Bluetooth SIG, Weight Scale Service 1.0, sections 3.1 and 3.2.
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
from devices.sample import Status
from devices.units import KG_PER_POUND
from devices.vitals import Vital

WEIGHT_MEASUREMENT: Final = 0x2A9D
WEIGHT_SCALE_FEATURE: Final = 0x2A9E
UNKNOWN_USER: Final = 255
METRES_PER_INCH: Final = 0.0254
_UNSUCCESSFUL: Final = 0xFFFF


@dataclass(frozen=True, slots=True)
class Weight:
    """The fields as sent; a field that the message does not hold is None.

    ``weight`` in ``unit`` (NaN: the scale could not measure), ``bmi`` in kg/m2, ``height`` in m, or in inches beside pounds.
    ``user`` 255 means a guest, or one that the scale does not know.
    """

    weight: Number
    unit: Literal["kg", "lb"]
    time: DateTime | None = None
    user: int | None = None
    bmi: float | None = None
    height: float | None = None


def parse_weight(data: bytes) -> Weight:
    """Parse one measurement as sent."""
    fields = Fields("weight measurement", data)
    flags = fields.unsigned("flags", 1)
    imperial = bool(flags & 0x01)
    return Weight(
        mass(fields.unsigned("weight", 2), imperial=imperial),
        unit="lb" if imperial else "kg",
        time=fields.date_time("time stamp") if flags & 0x02 else None,
        user=fields.unsigned("user", 1) if flags & 0x04 else None,
        bmi=fields.unsigned("BMI", 2) / 10 if flags & 0x08 else None,
        height=length(fields.unsigned("height", 2), imperial=imperial) if flags & 0x08 else None,
    )


def mass(raw: int, *, imperial: bool) -> Number:
    """A mass as both services send it, in kg or pounds; 0xFFFF is no value."""
    if raw == _UNSUCCESSFUL:
        return Number(None, Status.NAN)
    return Number(raw / 100 if imperial else raw / 200)  # divided, since the decimal steps 0.01 and 0.005 are no floats


def length(raw: int, *, imperial: bool) -> float:
    """A height as both services send it, in m or inches."""
    return raw / 10 if imperial else raw / 1000


def kilograms(number: Number, unit: Literal["kg", "lb"]) -> Number:
    """The mass in kg."""
    if unit == "kg" or number.value is None:
        return number
    return Number(round(number.value * KG_PER_POUND, 6))


def decode_weight(data: bytes, arrived: int) -> Decoded:
    """Decode the weight in kg, with the scale's time and user."""
    found = parse_weight(data)
    return Decoded(
        samples_of([(Vital.WEIGHT, *kilograms(found.weight, found.unit).stored())], arrived),
        device_time=found.time.milliseconds if found.time else None,
        clock_set=found.time is None or found.time.is_date,
        mark=found.time.mark if found.time else None,
        user=found.user,
    )


def parse_weight_scale_feature(data: bytes) -> int:
    """Parse the bits of what a scale can send: 0 time stamp, 1 several users, 2 BMI, then resolutions."""
    fields = Fields("weight scale feature", data)
    features = fields.unsigned("features", 4)
    fields.end()
    return features


WEIGHT_SCALE: Final = Profile(
    "weight scale",
    "episodic",
    full_uuid(0x181D),
    (Subscription(full_uuid(WEIGHT_MEASUREMENT), "indicate", decode_weight),),
)
