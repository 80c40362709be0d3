"""Gateways: a claim code, once, for a credential; and what their configuration says."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import Final

from alerts.care.enrol import enrolment_of
from alerts.control.outbox import change_configuration, send, take_turn
from alerts.database import Tx, now
from alerts.errors import ClaimError, UnknownRecordError
from devices.wire.pairing import Claimed

CODE_LETTERS: Final = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Without those that are read for one another (0 O, 1 I L, U V) or spell words."""
_CODE_LENGTH: Final = 8  # 30 ** 8 codes, one try in 6.5e11; the desk limits tries
_CREDENTIAL_BYTES: Final = 32


def add_gateway(tx: Tx, name: str) -> int:
    """A new gateway, not yet claimed; its number."""
    row = tx.execute("INSERT INTO gateway (name) VALUES (%s) RETURNING gateway", [name]).fetchone()
    assert row is not None
    return int(row[0])


def new_claim(tx: Tx, gateway: int, *, minutes: int = 60) -> str:
    """A code (``XXXX-XXXX``) with which one gateway claims to be this one, once; earlier codes are void.

    Raises:
        UnknownRecordError: there is no such gateway in use.
    """
    if tx.execute("SELECT FROM gateway WHERE gateway = %s AND revoked IS NULL", [gateway]).fetchone() is None:
        raise UnknownRecordError("gateway", gateway)
    code = "".join(secrets.choice(CODE_LETTERS) for _ in range(_CODE_LENGTH))
    tx.execute("DELETE FROM claim WHERE gateway = %s AND used IS NULL", [gateway])
    tx.execute(
        "INSERT INTO claim (code_hash, gateway, expires) VALUES (%s, %s, %s)",
        [_hash(code), gateway, now(tx) + timedelta(minutes=minutes)],
    )
    return f"{code[:4]}-{code[4:]}"


def claim(tx: Tx, code: str) -> Claimed:
    """The gateway behind a code, and a credential of its own; an earlier credential of it ends.

    Raises:
        ClaimError: the code is unknown, used or too old.
    """
    typed = "".join(letter for letter in code.upper() if letter.isalnum())
    row = tx.execute(
        "UPDATE claim SET used = clock_timestamp() FROM gateway g WHERE code_hash = %s AND used IS NULL "
        "AND expires > clock_timestamp() AND g.gateway = claim.gateway AND g.revoked IS NULL RETURNING g.gateway",
        [_hash(typed)],
    ).fetchone()
    if row is None:
        raise ClaimError
    credential = secrets.token_urlsafe(_CREDENTIAL_BYTES)
    tx.execute("UPDATE gateway SET credential_hash = %s WHERE gateway = %s", [_hash(credential), row[0]])
    return Claimed(int(row[0]), credential)


def gateway_with(tx: Tx, credential: str) -> int | None:
    """The gateway in use that holds this credential."""
    row = tx.execute(
        "SELECT gateway FROM gateway WHERE credential_hash = %s AND revoked IS NULL", [_hash(credential)]
    ).fetchone()
    return int(row[0]) if row else None


def revoke_gateway(tx: Tx, gateway: int, by: int) -> None:
    """Its credential and its keys end now: the engine refuses what is sealed under them from here on.

    Raises:
        UnknownRecordError: there is no such gateway in use.
    """
    take_turn(tx)
    done = tx.execute("UPDATE gateway SET revoked = %s WHERE gateway = %s AND revoked IS NULL", [now(tx), gateway])
    if not done.rowcount:
        raise UnknownRecordError("gateway", gateway)
    tx.execute("DELETE FROM claim WHERE gateway = %s AND used IS NULL", [gateway])
    revoked = tx.execute(
        "UPDATE data_key SET revoked = %s WHERE gateway = %s AND revoked IS NULL RETURNING patient", [now(tx), gateway]
    ).fetchall()
    for (patient,) in sorted(revoked):
        send(tx, patient, enrolment_of(tx, patient), by)
    change_configuration(tx, [gateway])


def ask_to_resend(tx: Tx, since: int) -> int:
    """Have every gateway send again, once, what it delivered since ``since`` (ms; 0: all it keeps); how many are asked."""
    take_turn(tx)
    asked = tx.execute(
        "UPDATE gateway SET resend_since = to_timestamp(%s / 1000.0), resend_asked = clock_timestamp() WHERE revoked IS NULL"
        " RETURNING gateway",
        [since],
    ).fetchall()
    change_configuration(tx, [gateway for (gateway,) in asked])
    return len(asked)


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
