"""Body Composition Measurement (2A9C) and Body Composition Feature (2A9B).

Source: Bluetooth SIG, Body Composition Service 1.0, sections 3.1 and 3.2.
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
from devices.gatt.weight_scale import kilograms, length, mass
from devices.sample import Status
from devices.vitals import Vital

BODY_COMPOSITION_MEASUREMENT: Final = 0x2A9C
BODY_COMPOSITION_FEATURE: Final = 0x2A9B
_UNSUCCESSFUL: Final = 0xFFFF
_MASSES: Final = ("muscle mass", "fat free mass", "soft lean mass", "body water mass")


@dataclass(frozen=True, slots=True)
class BodyComposition:
    """The fields as sent; a field that the message does not hold is None.

    Percentages in %, ``metabolism`` in kJ a day, masses and ``weight`` in ``unit``, ``impedance`` in ohm, ``height`` in m,
    or in inches beside pounds.  ``multiple``: one measurement comes in two messages, and this is one of them.
    """

    fat: Number
    unit: Literal["kg", "lb"]
    time: DateTime | None
    user: int | None
    metabolism: int | None
    muscle_percent: float | None
    muscle: Number | None
    fat_free: Number | None
    soft_lean: Number | None
    water: Number | None
    impedance: float | None
    weight: Number | None
    height: float | None
    multiple: bool


def parse_body_composition(data: bytes) -> BodyComposition:
    """Parse one measurement as sent."""
    fields = Fields("body composition measurement", data)
    flags = fields.unsigned("flags", 2)
    imperial = bool(flags & 0x01)
    fat = fields.unsigned("body fat percentage", 2)
    time = fields.date_time("time stamp") if flags & 0x02 else None
    user = fields.unsigned("user", 1) if flags & 0x04 else None
    metabolism = fields.unsigned("basal metabolism", 2) if flags & 0x08 else None
    muscle_percent = fields.unsigned("muscle percentage", 2) / 10 if flags & 0x10 else None
    muscle, fat_free, soft_lean, water = (
        mass(fields.unsigned(name, 2), imperial=imperial) if flags & 0x20 << place else None
        for place, name in enumerate(_MASSES)
    )
    return BodyComposition(
        Number(None, Status.NAN) if fat == _UNSUCCESSFUL else Number(fat / 10),
        "lb" if imperial else "kg",
        time,
        user,
        metabolism,
        muscle_percent,
        muscle,
        fat_free,
        soft_lean,
        water,
        impedance=fields.unsigned("impedance", 2) / 10 if flags & 0x200 else None,
        weight=mass(fields.unsigned("weight", 2), imperial=imperial) if flags & 0x400 else None,
        height=length(fields.unsigned("height", 2), imperial=imperial) if flags & 0x800 else None,
        multiple=bool(flags & 0x1000),
    )


def decode_body_composition(data: bytes, arrived: int) -> Decoded:
    """Decode body fat in % and the weight in kg where it is sent, with the scale's time and user."""
    found = parse_body_composition(data)
    values = [(Vital.BODY_FAT, *found.fat.stored())]
    if found.weight is not None:
        values.append((Vital.WEIGHT, *kilograms(found.weight, found.unit).stored()))
    return Decoded(
        samples_of(values, arrived),
        device_time=found.time.milliseconds if found.time else None,
        clock_set=found.time is None or found.time.is_date,
        mark=found.time.mark if found.time else None,
        user=found.user,
    )


def parse_body_composition_feature(data: bytes) -> int:
    """Parse the bits of what a scale can send."""
    fields = Fields("body composition feature", data)
    features = fields.unsigned("features", 4)
    fields.end()
    return features


BODY_COMPOSITION: Final = Profile(
    "body composition",
    "episodic",
    full_uuid(0x181B),
    (Subscription(full_uuid(BODY_COMPOSITION_MEASUREMENT), "indicate", decode_body_composition),),
)
