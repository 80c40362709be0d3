"""Intermediate Cuff Pressure (2A36): the pressure in the cuff while it deflates.

It is no pressure of the patient, so nothing of it becomes a sample: the cuff's own pressure would look like a systolic one.
Source: Bluetooth SIG, Blood Pressure Service 1.1, section 3.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from devices.gatt.blood_pressure import parse_cuff_message
from devices.gatt.date_time import DateTime
from devices.gatt.numbers import Number

INTERMEDIATE_CUFF_PRESSURE: Final = 0x2A36


@dataclass(frozen=True, slots=True)
class CuffPressure:
    """The fields as sent, in ``unit``; a field that the message does not hold is None."""

    cuff: Number
    unit: Literal["mmHg", "kPa"]
    time: DateTime | None
    pulse: Number | None  # /min
    user: int | None
    status: int | None


def parse_intermediate_cuff_pressure(data: bytes) -> CuffPressure:
    """Parse one pressure of the cuff; the two fields behind it are unused in this characteristic."""
    found = parse_cuff_message("intermediate cuff pressure", ("cuff pressure", "unused", "unused"), data)
    return CuffPressure(found.systolic, found.unit, found.time, found.pulse, found.user, found.status)
