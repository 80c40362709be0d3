"""Devices that patients can wear."""

from __future__ import annotations

from typing import Literal

from alerts.database import Tx, scalar
from alerts.errors import InvalidEnrolmentError


def add_device(tx: Tx, name: str, source: Literal["ble", "mqtt"], address: str, interval_s: int) -> int:
    """Add a device; return its number.  ``address`` is its BLE address or its name below ``dev/`` on the broker.

    Raises:
        InvalidEnrolmentError: a device has this address already.
    """
    device: int | None = scalar(
        tx,
        "INSERT INTO device (name, source, address, interval_s) VALUES (%s, %s, %s, %s) "
        "ON CONFLICT DO NOTHING RETURNING device",
        [name, source, address, interval_s],
    )
    if device is None:
        raise InvalidEnrolmentError(f"{address} is a device already: enrol that one.")
    return device
