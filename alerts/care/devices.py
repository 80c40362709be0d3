"""Devices that patients can wear."""

from __future__ import annotations

from typing import Final, Literal

from alerts.care.enrol import enrolment_of
from alerts.care.records import row_of
from alerts.care.text import NAME, checked_text
from alerts.control.outbox import change_configuration, send, take_turn
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
        InvalidEnrolmentError: a device has this address and user already, the user cannot be, or the interval is not between
            0 and 31 days.
        InvalidTextError: name or address is blank, too long, or holds characters that cannot be stored.
    """
    name, address = checked_text(name, "The name of a device", NAME), checked_text(address, "The address of a device", NAME)
    _check_interval(interval_s)
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


def change_device(tx: Tx, device: int, name: str | None, interval_s: int | None, by: int) -> None:
    """Correct a device's name or interval (``None``: as it is); engine and gateway learn the interval of one that is worn.

    Raises:
        UnknownRecordError: there is no such device.
        InvalidEnrolmentError: the interval is not between 0 and 31 days.
        InvalidTextError: the name is blank, too long, or holds characters that cannot be stored.
    """
    take_turn(tx)
    row_of(tx, "device", device, "SELECT FROM device WHERE device = %s")
    if name is not None:
        named = checked_text(name, "The name of a device", NAME)
        tx.execute("UPDATE device SET name = %s WHERE device = %s", [named, device])
    if interval_s is None:
        return
    _check_interval(interval_s)
    tx.execute("UPDATE device SET interval_s = %s WHERE device = %s", [interval_s, device])
    worn = tx.execute("SELECT patient, gateway FROM enrolment WHERE device = %s AND until IS NULL", [device]).fetchone()
    if worn is not None:
        send(tx, worn[0], enrolment_of(tx, worn[0]), by)
        change_configuration(tx, [worn[1]])


def _check_interval(interval_s: int) -> None:
    if not 0 <= interval_s <= LONGEST_INTERVAL_S:
        raise InvalidEnrolmentError(f"An interval of {interval_s} s is not between 0 and {LONGEST_INTERVAL_S}: correct it.")
