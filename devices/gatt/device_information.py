"""Device Information (180A): maker, model and versions.  A serial number is not read: it would name one person's device.

Source: Bluetooth SIG, Device Information Service 1.1 and GATT Specification Supplement.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from devices.errors import UndecodableError
from devices.gatt.fields import Fields

MANUFACTURER_NAME: Final = 0x2A29
MODEL_NUMBER: Final = 0x2A24
SERIAL_NUMBER: Final = 0x2A25
HARDWARE_REVISION: Final = 0x2A27
FIRMWARE_REVISION: Final = 0x2A26
SOFTWARE_REVISION: Final = 0x2A28
SYSTEM_ID: Final = 0x2A23
PNP_ID: Final = 0x2A50

_NAMES: Final = {
    MANUFACTURER_NAME: "manufacturer name",
    MODEL_NUMBER: "model number",
    SERIAL_NUMBER: "serial number",
    HARDWARE_REVISION: "hardware revision",
    FIRMWARE_REVISION: "firmware revision",
    SOFTWARE_REVISION: "software revision",
}
TEXTS: Final = frozenset(_NAMES)
"""The characteristics of :func:`parse_text`."""


@dataclass(frozen=True, slots=True)
class SystemId:
    """``manufacturer``: 40 bits, ``organisation``: the 24 bits that IEEE has given out."""

    manufacturer: int
    organisation: int


@dataclass(frozen=True, slots=True)
class PnpId:
    """``source`` says who has given out ``vendor``: 1 Bluetooth SIG, 2 USB Implementers Forum."""

    source: int
    vendor: int
    product: int
    version: int


def parse_text(characteristic: int, data: bytes) -> str:
    """Parse one of the texts of :data:`TEXTS`, without the NUL that some devices send."""
    return Fields(_NAMES[characteristic], data).text("text")


def parse_system_id(data: bytes) -> SystemId:
    """Parse the identifier of a device."""
    fields = Fields("system ID", data)
    found = SystemId(fields.unsigned("manufacturer identifier", 5), fields.unsigned("organisation", 3))
    fields.end()
    return found


def parse_pnp_id(data: bytes) -> PnpId:
    """Parse vendor, product and version."""
    fields = Fields("PnP ID", data)
    names = (("vendor ID source", 1), ("vendor ID", 2), ("product ID", 2), ("product version", 2))
    found = PnpId(*(fields.unsigned(name, size) for name, size in names))
    fields.end()
    if found.source not in (1, 2):
        raise UndecodableError(fields.what, f"vendor ID source {found.source} is reserved")
    return found
