"""Blood Pressure Measurement (2A35).

Source: Bluetooth SIG, Blood Pressure Service 1.1 and GATT Specification Supplement, Blood Pressure Measurement.
The trust that follows from each status bit is this project's reading of that section (*confirm*).
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
from devices.units import kpa_to_mmhg
from devices.vitals import Vital

BLOOD_PRESSURE_MEASUREMENT: Final = 0x2A35

_MOVED, _LOOSE, _PULSE_RANGE, _POSITION = 0x01, 0x02, 0x18, 0x20
"""Bit 2, an irregular pulse, is a finding and casts no doubt on the pressure; 3 and 4: the pulse left the cuff's range."""


@dataclass(frozen=True, slots=True)
class BloodPressure:
    """The fields as sent, in ``unit``; a field that the message does not hold is None.  ``user`` 255 means unknown."""

    systolic: Number
    diastolic: Number
    mean: Number
    unit: Literal["mmHg", "kPa"]
    time: DateTime | None
    pulse: Number | None  # /min
    user: int | None
    status: int | None


def parse_blood_pressure(data: bytes) -> BloodPressure:
    """Parse one measurement as sent."""
    return parse_cuff_message("blood pressure measurement", ("systolic", "diastolic", "mean arterial pressure"), data)


def parse_cuff_message(what: str, pressures: tuple[str, str, str], data: bytes) -> BloodPressure:
    """Parse the message that a measurement and an intermediate cuff pressure share; ``pressures`` name its first fields."""
    fields = Fields(what, data)
    flags = fields.unsigned("flags", 1)
    systolic, diastolic, mean = (fields.sfloat(name) for name in pressures)
    return BloodPressure(
        systolic,
        diastolic,
        mean,
        unit="kPa" if flags & 0x01 else "mmHg",
        time=fields.date_time("time stamp") if flags & 0x02 else None,
        pulse=fields.sfloat("pulse rate") if flags & 0x04 else None,
        user=fields.unsigned("user", 1) if flags & 0x08 else None,
        status=fields.unsigned("measurement status", 2) if flags & 0x10 else None,
    )


def trust(status: int | None) -> Status:
    """The status of the pressures: a moved or badly placed cuff is an artefact, a loose one a poor contact."""
    bits = status or 0
    if bits & (_MOVED | _POSITION):
        return Status.ARTEFACT
    return Status.POOR_CONTACT if bits & _LOOSE else Status.OK


def decode_blood_pressure(data: bytes, arrived: int) -> Decoded:
    """Decode systolic, diastolic and mean pressure in mm[Hg], the pulse rate where sent, and the cuff's time."""
    found = parse_blood_pressure(data)
    status = trust(found.status)
    values = [
        (vital, *_mmhg(number, found.unit).stored(status))
        for vital, number in (
            (Vital.SYSTOLIC, found.systolic),
            (Vital.DIASTOLIC, found.diastolic),
            (Vital.MEAN_ARTERIAL, found.mean),
        )
    ]
    if found.pulse is not None:
        beyond = status is Status.OK and bool((found.status or 0) & _PULSE_RANGE)
        values.append((Vital.PULSE_RATE, *found.pulse.stored(Status.OUT_OF_RANGE if beyond else status)))
    return Decoded(
        samples_of(values, arrived),
        device_time=found.time.milliseconds if found.time else None,
        clock_set=found.time is None or found.time.is_date,
        user=found.user,
    )


def _mmhg(number: Number, unit: str) -> Number:
    if unit == "mmHg" or number.value is None:
        return number
    return Number(kpa_to_mmhg(number.value))


BLOOD_PRESSURE: Final = Profile(
    "blood pressure",
    "episodic",
    full_uuid(0x1810),
    (Subscription(full_uuid(BLOOD_PRESSURE_MEASUREMENT), "indicate", decode_blood_pressure),),
)
