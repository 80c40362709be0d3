"""CGM Specific Ops Control Point (2AAC): the answers of a sensor.  Vigil changes nothing on a sensor; it reads what it is
set to.

Source: Bluetooth SIG, Continuous Glucose Monitoring Service 1.0.1, section 3.7.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from devices.errors import UndecodableError
from devices.gatt.fields import Fields
from devices.gatt.numbers import Number

CGM_CONTROL_POINT: Final = 0x2AAC

_INTERVAL, _CALIBRATION, _RESPONSE = 3, 6, 28
_LEVELS: Final = {
    9: "patient high",
    12: "patient low",
    15: "hypo",
    18: "hyper",
    21: "rate of decrease",
    24: "rate of increase",
}


@dataclass(frozen=True, slots=True)
class CgmResponse:
    """The answer to the request ``to`` (its opcode): 1 success, 2 not supported, 3 invalid, 4 not completed, 5 out of
    range.
    """

    to: int
    code: int
    intact: bool | None


@dataclass(frozen=True, slots=True)
class CgmInterval:
    """The minutes between two measurements that are sent; 0: none, 255: as often as the sensor can."""

    minutes: int
    intact: bool | None


@dataclass(frozen=True, slots=True)
class CgmLevel:
    """An alert level in mg/dL (rates: mg/dL a minute); ``name`` says which."""

    name: str
    level: Number
    intact: bool | None


@dataclass(frozen=True, slots=True)
class CgmCalibration:
    """A calibration: the value in mg/dL, its minute, type and location, the minute of the next one, its number and
    status.
    """

    glucose: Number
    offset: int
    type: int
    location: int
    next: int
    record: int
    status: int
    intact: bool | None


def parse_cgm_control_point(data: bytes) -> CgmResponse | CgmInterval | CgmLevel | CgmCalibration:
    """Parse what a sensor indicates."""
    fields = Fields("CGM specific ops control point", data)
    opcode = fields.unsigned("opcode", 1)
    found = _answer(fields, opcode)
    fields.end()
    return found


def _answer(fields: Fields, opcode: int) -> CgmResponse | CgmInterval | CgmLevel | CgmCalibration:
    if opcode == _RESPONSE:
        to, code = fields.unsigned("request opcode", 1), fields.unsigned("response code", 1)
        return CgmResponse(to, code, fields.optional_crc())
    if opcode == _INTERVAL:
        return CgmInterval(fields.unsigned("communication interval", 1), fields.optional_crc())
    if opcode in _LEVELS:
        return CgmLevel(_LEVELS[opcode], fields.sfloat("alert level"), fields.optional_crc())
    if opcode == _CALIBRATION:
        glucose, offset = fields.sfloat("calibration concentration"), fields.unsigned("calibration time", 2)
        where = fields.unsigned("type and sample location", 1)
        sizes = (("next calibration time", 2), ("calibration record number", 2), ("calibration status", 1))
        next_, record, status = (fields.unsigned(name, size) for name, size in sizes)
        return CgmCalibration(glucose, offset, where & 0x0F, where >> 4, next_, record, status, fields.optional_crc())
    raise UndecodableError(fields.what, f"opcode {opcode} is no answer")
