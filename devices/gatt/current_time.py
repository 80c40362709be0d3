"""Current Time (2A2B) and Local Time Information (2A0F).

Source: Bluetooth SIG, Current Time Service 1.1 and GATT Specification Supplement.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from devices.errors import UndecodableError
from devices.gatt.date_time import DateTime, encode_date_time
from devices.gatt.fields import Fields

CURRENT_TIME: Final = 0x2A2B
LOCAL_TIME_INFORMATION: Final = 0x2A0F
ADJUSTED_MANUALLY: Final = 0x01

_UNKNOWN_ZONE, _UNKNOWN_DST = -128, 255
_ZONES: Final = range(-48, 57)
_DST: Final = (0, 2, 4, 8)


@dataclass(frozen=True, slots=True)
class CurrentTime:
    """``weekday`` 1 (Monday) to 7, 0: not known; ``fractions`` of a second in 1/256; ``adjust``: bits of the reason."""

    time: DateTime
    weekday: int
    fractions: int
    adjust: int


@dataclass(frozen=True, slots=True)
class LocalTime:
    """The quarters of an hour by which local time is ahead of UTC; None where the device does not know."""

    zone: int | None
    dst: int | None


def parse_current_time(data: bytes) -> CurrentTime:
    """Parse the 10 bytes of a device's clock."""
    fields = Fields("current time", data)
    time, weekday = fields.date_time("date time"), fields.unsigned("day of week", 1)
    found = CurrentTime(time, weekday, fields.unsigned("fractions", 1), fields.unsigned("adjust reason", 1))
    fields.end()
    if weekday > 7:
        raise UndecodableError(fields.what, f"day of week {weekday} is reserved")
    return found


def encode_current_time(milliseconds: int) -> bytes:
    """The 10 bytes that set a device's clock to ``milliseconds`` since the epoch, shown as UTC."""
    weekday = datetime.fromtimestamp(milliseconds // 1000, UTC).isoweekday()
    return encode_date_time(milliseconds) + bytes((weekday, milliseconds % 1000 * 256 // 1000, ADJUSTED_MANUALLY))


def parse_local_time(data: bytes) -> LocalTime:
    """Parse Local Time Information."""
    fields = Fields("local time information", data)
    found = local_time(fields)
    fields.end()
    return found


def local_time(fields: Fields) -> LocalTime:
    """Read a zone and a DST offset; :class:`UndecodableError` for one that is reserved."""
    zone, dst = fields.signed("time zone", 1), fields.unsigned("DST offset", 1)
    if zone not in _ZONES and zone != _UNKNOWN_ZONE:
        raise UndecodableError(fields.what, f"time zone {zone} is reserved")
    if dst not in _DST and dst != _UNKNOWN_DST:
        raise UndecodableError(fields.what, f"DST offset {dst} is reserved")
    return LocalTime(None if zone == _UNKNOWN_ZONE else zone, None if dst == _UNKNOWN_DST else dst)
