"""Devices that may be worn."""

from __future__ import annotations

from typing import Literal

from psycopg.errors import UniqueViolation

from alerts.database import Tx
from alerts.errors import InvalidEnrolmentError


def add_device(tx: Tx, name: str, source: Literal["ble", "mqtt"], address: str, interval_s: int) -> int:
    """A new device; its number.  ``address`` is its BLE address or its name below ``dev/`` on the broker.

    Raises:
        InvalidEnrolmentError: that address is a device already.
    """
    try:
        with tx.transaction():
            row = tx.execute(
                "INSERT INTO device (name, source, address, interval_s) VALUES (%s, %s, %s, %s) RETURNING device",
                [name, source, address, interval_s],
            ).fetchone()
    except UniqueViolation:
        raise InvalidEnrolmentError(f"{address} is a device already: enrol that one.") from None
    assert row is not None
    return int(row[0])
