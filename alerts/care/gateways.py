"""Gateways: each exchanges a claim code, once, for a credential."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from alerts.care.enrol import enrolment_of, transfer
from alerts.care.records import row_of
from alerts.care.text import NAME, checked_text
from alerts.control.outbox import change_configuration, send, take_turn
from alerts.database import Tx, now, scalar, scalars
from alerts.errors import ClaimError, UnknownZoneError
from devices.wire.pairing import Claimed

CODE_LETTERS: Final = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Without letters that are easily confused (0 O, 1 I L, U V) or that make words."""
_CODE_LENGTH: Final = 8  # 30 ** 8 codes, one try in 6.5e11; the desk limits tries
_CREDENTIAL_BYTES: Final = 32


def add_gateway(tx: Tx, name: str, zone: str = "") -> int:
    """Add a gateway, not yet claimed; return its number.  ``zone``: of the home, such as Europe/Berlin.

    Raises:
        InvalidTextError: the name is blank, too long, or holds characters that cannot be stored.
        UnknownZoneError: there is no such time zone.
    """
    named = checked_text(name, "The name of a gateway", NAME)
    values = [named, _checked_zone(zone)]
    gateway: int = scalar(tx, "INSERT INTO gateway (name, zone) VALUES (%s, %s) RETURNING gateway", values)
    return gateway


def set_zone(tx: Tx, gateway: int, zone: str) -> None:
    """Set the time zone of a home (empty: not known); its gateway gets it with the configuration.

    Devices whose clock cannot be read send the home's local time.

    Raises:
        UnknownRecordError: there is no such gateway in use.
        UnknownZoneError: there is no such time zone.
    """
    query = "UPDATE gateway SET zone = %s WHERE revoked IS NULL AND gateway = %s RETURNING gateway"
    row_of(tx, "gateway", gateway, query, _checked_zone(zone))
    change_configuration(tx, [gateway])


def _checked_zone(zone: str) -> str:
    zone = zone.strip()
    try:
        return ZoneInfo(zone).key if zone else ""
    except (OSError, ValueError, KeyError):
        raise UnknownZoneError(zone[:40]) from None


def new_claim(tx: Tx, gateway: int, *, minutes: int = 60) -> str:
    """A code (``XXXX-XXXX``) for one claim of this gateway; earlier codes become invalid.

    Raises:
        UnknownRecordError: there is no such gateway in use.
    """
    row_of(tx, "gateway", gateway, "SELECT FROM gateway WHERE revoked IS NULL AND gateway = %s")
    code = "".join(secrets.choice(CODE_LETTERS) for _ in range(_CODE_LENGTH))
    tx.execute("DELETE FROM claim WHERE gateway = %s AND used IS NULL", [gateway])
    tx.execute(
        "INSERT INTO claim (code_hash, gateway, expires) VALUES (%s, %s, %s)",
        [hash_of(code), gateway, now(tx) + timedelta(minutes=minutes)],
    )
    return f"{code[:4]}-{code[4:]}"


def claim(tx: Tx, code: str) -> Claimed:
    """The gateway of a code, and its new credential; its earlier credential ends.

    Raises:
        ClaimError: the code is unknown, used or too old.
    """
    typed = "".join(letter for letter in code.upper() if letter.isalnum())
    gateway: int | None = scalar(
        tx,
        "UPDATE claim SET used = clock_timestamp() FROM gateway g WHERE code_hash = %s AND used IS NULL "
        "AND expires > clock_timestamp() AND g.gateway = claim.gateway AND g.revoked IS NULL RETURNING g.gateway",
        [hash_of(typed)],
    )
    if gateway is None:
        raise ClaimError
    credential = secrets.token_urlsafe(_CREDENTIAL_BYTES)
    tx.execute("UPDATE gateway SET credential_hash = %s WHERE gateway = %s", [hash_of(credential), gateway])
    return Claimed(gateway, credential)


def revoke_gateway(tx: Tx, gateway: int, by: int) -> None:
    """End the gateway's credential and its keys now: the engine refuses later records sealed under them.

    Raises:
        UnknownRecordError: there is no such gateway in use.
    """
    take_turn(tx)
    query = "UPDATE gateway SET revoked = %s WHERE revoked IS NULL AND gateway = %s RETURNING gateway"
    row_of(tx, "gateway", gateway, query, now(tx))
    tx.execute("DELETE FROM claim WHERE gateway = %s AND used IS NULL", [gateway])
    revoked = scalars(
        tx, "UPDATE data_key SET revoked = %s WHERE gateway = %s AND revoked IS NULL RETURNING patient", [now(tx), gateway]
    )
    for patient in sorted(revoked):
        send(tx, patient, enrolment_of(tx, patient), by)
    change_configuration(tx, [gateway])


def replace_gateway(tx: Tx, master: bytes, old: int, new: int, at: datetime, by: int) -> list[int]:
    """Give every device of one gateway to another one, for the same patients; return the devices.

    ``old`` may be revoked: a stolen or broken gateway is replaced so.

    Raises:
        UnknownRecordError: there is no such gateway, or ``new`` is revoked.
        InvalidEnrolmentError: one of the enrolments begins after ``at``.
    """
    take_turn(tx)
    row_of(tx, "gateway", old, "SELECT FROM gateway WHERE gateway = %s")
    row_of(tx, "gateway", new, "SELECT FROM gateway WHERE revoked IS NULL AND gateway = %s")
    served = "SELECT device, patient FROM enrolment WHERE gateway = %s AND until IS NULL ORDER BY device"
    moved = tx.execute(served, [old]).fetchall()
    for device, patient in moved:
        transfer(tx, master, device, patient, new, at, by)
    tx.execute("UPDATE pairing SET gateway = %s WHERE gateway = %s AND revoked IS NULL", [new, old])  # leaflets of that home
    return [device for device, _ in moved]


def ask_to_resend(tx: Tx, since: int) -> int:
    """Ask every gateway to send again, once, all it delivered since ``since`` (ms; 0: all it keeps); return their number."""
    take_turn(tx)
    asked = scalars(
        tx,
        "UPDATE gateway SET resend_since = to_timestamp(%s / 1000.0), resend_asked = clock_timestamp() WHERE revoked IS NULL"
        " RETURNING gateway",
        [since],
    )
    change_configuration(tx, asked)
    return len(asked)


def hash_of(secret: str) -> bytes:
    """The SHA-256 of a credential, code or session id: the database keeps nothing else of it."""
    return hashlib.sha256(secret.encode()).digest()
