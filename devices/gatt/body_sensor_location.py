"""Body Sensor Location (2A38): where a heart rate sensor is worn.

Source: Bluetooth SIG, Heart Rate Service 1.0 and GATT Specification Supplement, Body Sensor Location.
"""

from __future__ import annotations

from typing import Final

from devices.errors import UndecodableError
from devices.gatt.fields import Fields

BODY_SENSOR_LOCATION: Final = 0x2A38
_LOCATIONS: Final = ("other", "chest", "wrist", "finger", "hand", "ear_lobe", "foot")


def parse_body_sensor_location(data: bytes) -> str:
    """Parse the place on the body: other, chest, wrist, finger, hand, ear_lobe or foot."""
    fields = Fields("body sensor location", data)
    code = fields.unsigned("location", 1)
    fields.end()
    if code >= len(_LOCATIONS):
        raise UndecodableError(fields.what, f"location {code} is reserved")
    return _LOCATIONS[code]
