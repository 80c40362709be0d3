"""Devices that patients can wear."""

from __future__ import annotations

from typing import Final, Literal

from alerts.care.text import NAME, checked_text
from alerts.database import Tx, scalar
from alerts.errors import InvalidEnrolmentError

LONGEST_INTERVAL_S: Final = 31 * 86_400
LAST_USER: Final = 254


def add_device(
    tx: Tx, name: str, source: Literal["ble", "mqtt"], address: str, interval_s: int, user: int | None = None
) -> int:
    """Add a device; return its number.  ``address`` is its BLE address or its name below ``dev/`` on the broker.

    A cuff or scale that several people use is a device for each ``user`` (0 to 254) that it keeps, with one address.

    Raises:
        InvalidEnrolmentError: a device has this address and user already, or one of both is out of range, or the interval
        is not between 0 and 31 days. InvalidTextError: name or address is blank, too long, or holds characters that cannot
        be stored.
    """
    name, address = checked_text(name, "The name of a device", NAME), checked_text(address, "The address of a device", NAME)
    if not 0 <= interval_s <= LONGEST_INTERVAL_S:
        raise InvalidEnrolmentError(f"An interval of {interval_s} s is not between 0 and {LONGEST_INTERVAL_S}: correct it.")
    if user is not None and not (0 <= user <= LAST_USER and source == "ble"):
        raise InvalidEnrolmentError(f"User {user} cannot be: a Bluetooth device numbers its users from 0 to {LAST_USER}.")
    device: int | None = scalar(
        tx,
        "INSERT INTO device (name, source, address, interval_s, device_user) VALUES (%s, %s, %s, %s, %s) "
        "ON CONFLICT DO NOTHING RETURNING device",
        [name, source, address, interval_s, user],
    )
    if device is None:
        raise InvalidEnrolmentError(f"{address} is a device already: enrol that one.")
    return device
