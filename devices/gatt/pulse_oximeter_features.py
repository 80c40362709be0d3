"""PLX Features (2A60): what an oximeter can send.

Source: Bluetooth SIG, Pulse Oximeter Service 1.0.1, section 3.4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from devices.gatt.fields import Fields

PLX_FEATURES: Final = 0x2A60
STORES_RECORDS: Final = 0x0004
"""Bit of :attr:`PulseOximeterFeatures.features`: it keeps spot checks, to be fetched by record access."""


@dataclass(frozen=True, slots=True)
class PulseOximeterFeatures:
    """Bit fields as sent; which bits of the two status fields are ever set is None where the device does not say."""

    features: int
    measurement_status_support: int | None
    sensor_status_support: int | None


def parse_plx_features(data: bytes) -> PulseOximeterFeatures:
    """Parse the features of an oximeter."""
    fields = Fields("pulse oximeter features", data)
    features = fields.unsigned("supported features", 2)
    return PulseOximeterFeatures(
        features,
        fields.unsigned("measurement status support", 2) if features & 0x01 else None,
        fields.unsigned("device and sensor status support", 3) if features & 0x02 else None,
    )
