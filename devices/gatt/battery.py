"""Battery Level (2A19).

Source: Bluetooth SIG, Battery Service 1.0.
"""

from __future__ import annotations

from typing import Final

from devices.decoded import Decoded, samples_of
from devices.errors import UndecodableError
from devices.gatt.fields import Fields
from devices.gatt.profile import Subscription
from devices.gatt.uuids import full_uuid

BATTERY_LEVEL: Final = 0x2A19


def parse_battery(data: bytes) -> int:
    """Parse the charge in percent, 0 to 100."""
    fields = Fields("battery level", data)
    percent = fields.unsigned("level", 1)
    fields.end()
    if percent > 100:
        raise UndecodableError(fields.what, f"{percent} % is reserved")
    return percent


def decode_battery(data: bytes, arrived: int) -> Decoded:
    """The charge, without samples."""
    return Decoded(samples_of([], arrived), battery=parse_battery(data))


BATTERY_SERVICE: Final = full_uuid(0x180F)
BATTERY: Final = Subscription(full_uuid(BATTERY_LEVEL), "notify", decode_battery)
"""Any device may have it: read it once after connecting, subscribe where it notifies."""
