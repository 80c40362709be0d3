"""Battery Level (2A19).

Source: Bluetooth SIG, Battery Service 1.0.
"""

from __future__ import annotations

from typing import Final

from devices.decoded import Decoded, samples_of
from devices.errors import UndecodableError
from devices.gatt.fields import Fields

BATTERY_LEVEL: Final = 0x2A19


def parse_battery(data: bytes) -> int:
    """Percent, 0 to 100."""
    fields = Fields("battery level", data)
    percent = fields.unsigned("level", 1)
    fields.end()
    if percent > 100:
        raise UndecodableError(fields.what, f"{percent} % is reserved")
    return percent


def decode_battery(data: bytes, arrived: int) -> Decoded:
    """No samples, the charge alone."""
    return Decoded(samples_of([], arrived), battery=parse_battery(data))
