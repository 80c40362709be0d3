"""Glucose Measurement (2A18) and Glucose Feature (2A51).

Source: Bluetooth SIG, Glucose Service 1.0.1, sections 3.1 and 3.3.  The trust that follows from each bit of the sensor
status is this project's reading of that section (*confirm*).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from devices.decoded import Decoded, samples_of
from devices.gatt.date_time import DateTime
from devices.gatt.fields import Fields
from devices.gatt.numbers import Number
from devices.sample import Status
from devices.specimen import Specimen, specimen_of
from devices.units import MG_DL_PER_MMOL_L
from devices.vitals import Vital

GLUCOSE_MEASUREMENT: Final = 0x2A18
GLUCOSE_FEATURE: Final = 0x2A51

_OVERRUN, _UNDERRUN = 0x7FFF, -0x8000
_CONTROL_LOCATION: Final = 4
_DIGITS: Final = 4
# 1 sensor malfunction, 2 too little blood, 3 strip inserted wrongly, 4 wrong strip, 7 too hot, 8 too cold, 9 strip pulled
# too
# early, 10 general fault.  0 (battery low) says nothing of the value.
_ARTEFACT: Final = sum(1 << bit for bit in (1, 2, 3, 4, 7, 8, 9, 10))
_TOO_HIGH, _TOO_LOW, _TIME_FAULT = 1 << 5, 1 << 6, 1 << 11


@dataclass(frozen=True, slots=True)
class Glucose:
    """The fields as sent; a field that the message does not hold is None.

    ``time`` is the meter's base time, ``offset`` the minutes from it to the time its user sees (0x7FFF and -0x8000: too many
    to be sent).  ``concentration`` in ``unit``.
    """

    sequence: int
    time: DateTime
    offset: int | None
    concentration: Number | None
    unit: Literal["kg/L", "mol/L"]
    specimen: int | None
    location: int | None
    status: int | None
    context_follows: bool


def parse_glucose(data: bytes) -> Glucose:
    """Parse one measurement as sent."""
    fields = Fields("glucose measurement", data)
    flags = fields.unsigned("flags", 1)
    sequence, time = fields.unsigned("sequence number", 2), fields.date_time("base time")
    offset = fields.signed("time offset", 2) if flags & 0x01 else None
    concentration = fields.sfloat("glucose concentration") if flags & 0x02 else None
    where = fields.unsigned("type and sample location", 1) if flags & 0x02 else None
    return Glucose(
        sequence,
        time,
        offset,
        concentration,
        "mol/L" if flags & 0x04 else "kg/L",
        None if where is None else where & 0x0F,
        None if where is None else where >> 4,
        status=fields.unsigned("sensor status annunciation", 2) if flags & 0x08 else None,
        context_follows=bool(flags & 0x10),
    )


def mg_dl(number: Number, unit: Literal["kg/L", "mol/L"]) -> Number:
    """The concentration in mg/dL."""
    if number.value is None:
        return number
    factor = 1e5 if unit == "kg/L" else 1000 * MG_DL_PER_MMOL_L
    return Number(round(number.value * factor, _DIGITS))


def trust(found: Glucose) -> Status:
    """The status of the value: a control solution is no patient's glucose, and "HI" and "LO" are no numbers."""
    bits = found.status or 0
    if found.specimen == Specimen.CONTROL_SOLUTION or found.location == _CONTROL_LOCATION or bits & _ARTEFACT:
        return Status.ARTEFACT
    if bits & _TOO_HIGH:
        return Status.POSITIVE_INFINITY
    return Status.NEGATIVE_INFINITY if bits & _TOO_LOW else Status.OK


def decode_glucose(data: bytes, arrived: int) -> Decoded:
    """Decode one value in mg/dL with its record number, the meter's time and the specimen; a record may hold no value."""
    found = parse_glucose(data)
    values = []
    if found.concentration is not None:
        values = [(Vital.GLUCOSE, *mg_dl(found.concentration, found.unit).stored(trust(found)))]
    base, offset = found.time.milliseconds, found.offset or 0
    known = offset not in (_OVERRUN, _UNDERRUN) and not (found.status or 0) & _TIME_FAULT
    return Decoded(
        samples_of(values, arrived),
        device_time=base + offset * 60_000 if base is not None and known else None,
        record=found.sequence,
        clock_set=base is not None and known,
        mark=found.time.mark,
        specimen=None if found.specimen is None else specimen_of(found.specimen),
    )


def parse_glucose_feature(data: bytes) -> int:
    """Parse the bits of what a meter can send; bit 10: it keeps several bonds."""
    fields = Fields("glucose feature", data)
    features = fields.unsigned("features", 2)
    fields.end()
    return features
