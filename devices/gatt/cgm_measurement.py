"""CGM Measurement (2AA7): one or more glucose values of a continuous sensor, each minutes after its session's start.

Source: Bluetooth SIG, Continuous Glucose Monitoring Service 1.0.1, section 3.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from devices.errors import UndecodableError
from devices.gatt.cgm_annunciation import Annunciation, read_annunciation
from devices.gatt.fields import Fields
from devices.gatt.numbers import Number

CGM_MEASUREMENT: Final = 0x2AA7
_SHORTEST: Final = 6
_WHAT: Final = "CGM measurement"


@dataclass(frozen=True, slots=True)
class CgmRecord:
    """The fields as sent; a field that the record does not hold is None.

    ``glucose`` in mg/dL, ``offset`` in min since the session's start, ``trend`` in mg/dL a minute, ``quality`` in %.
    ``intact`` is False where its CRC is wrong: then nothing of it may be used.
    """

    glucose: Number
    offset: int
    annunciation: Annunciation
    trend: Number | None
    quality: Number | None
    intact: bool | None


def parse_cgm_measurement(data: bytes) -> tuple[CgmRecord, ...]:
    """Parse all records of one message; there is at least one."""
    if not data:
        raise UndecodableError(_WHAT, "truncated: size needs 1 bytes, 0 are left")
    records, at = [], 0
    while at < len(data):
        size = data[at]
        if size < _SHORTEST:
            raise UndecodableError(_WHAT, f"size: a record of {size} bytes")
        if at + size > len(data):
            raise UndecodableError(_WHAT, f"truncated: record needs {size} bytes, {len(data) - at} are left")
        records.append(_record(data[at : at + size]))
        at += size
    return tuple(records)


def _record(data: bytes) -> CgmRecord:
    fields = Fields(_WHAT, data)
    fields.unsigned("size", 1)
    flags = fields.unsigned("flags", 1)
    glucose, offset = fields.sfloat("glucose concentration"), fields.unsigned("time offset", 2)
    annunciation = read_annunciation(
        fields, status=bool(flags & 0x80), calibration=bool(flags & 0x40), warning=bool(flags & 0x20)
    )
    trend = fields.sfloat("trend") if flags & 0x01 else None
    quality = fields.sfloat("quality") if flags & 0x02 else None
    intact = fields.optional_crc()
    fields.end()
    return CgmRecord(glucose, offset, annunciation, trend, quality, intact)
