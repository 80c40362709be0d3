"""People who act: nurses, clinicians, administrators, with argon2id passwords."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, cast, get_args

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from psycopg.errors import UniqueViolation

from alerts.database import Tx
from alerts.errors import InvalidPersonError, UnknownRecordError

Role = Literal["nurse", "clinician", "administrator"]
SHORTEST_PASSWORD: Final = 8
"""OWASP ASVS 5.0, 6.2.1."""
_HASHER: Final = PasswordHasher()
_NOBODY: Final = _HASHER.hash("nobody has this password")


@dataclass(frozen=True, slots=True)
class Person:
    person: int
    sign_in: str
    name: str
    role: Role


def add_person(tx: Tx, sign_in: str, name: str, role: Role, password: str) -> int:
    """A new person; their number.

    Raises:
        InvalidPersonError: the sign-in is taken, the role unknown or the password too short.
    """
    if role not in get_args(Role):
        raise InvalidPersonError(f"There is no role {role!r}: give one of {', '.join(get_args(Role))}.")
    try:
        with tx.transaction():
            row = tx.execute(
                "INSERT INTO person (sign_in, name, role, password) VALUES (%s, %s, %s, %s) RETURNING person",
                [_spelled(sign_in), name.strip(), role, hashed(password)],
            ).fetchone()
    except UniqueViolation:
        raise InvalidPersonError(f"The sign-in {_spelled(sign_in)} is taken: choose another.") from None
    assert row is not None
    return int(row[0])


def set_password(tx: Tx, person: int, password: str) -> None:
    """Another password; all sessions of the person end."""
    done = tx.execute("UPDATE person SET password = %s WHERE person = %s", [hashed(password), person])
    if not done.rowcount:
        raise UnknownRecordError("person", person)
    _end_sessions(tx, person)


def disable_person(tx: Tx, person: int) -> None:
    """The person can no longer sign in; all their sessions end."""
    done = tx.execute("UPDATE person SET disabled = clock_timestamp() WHERE person = %s", [person])
    if not done.rowcount:
        raise UnknownRecordError("person", person)
    _end_sessions(tx, person)


def person_with(tx: Tx, sign_in: str, password: str) -> Person | None:
    """Who signs in so; ``None`` for an unknown or disabled sign-in or a wrong password, after the same time."""
    row = tx.execute(
        "SELECT person, sign_in, name, role, password FROM person WHERE sign_in = %s AND disabled IS NULL",
        [_spelled(sign_in)],
    ).fetchone()
    try:
        _HASHER.verify(row[4] if row else _NOBODY, password)
    except (VerificationError, InvalidHashError):
        return None
    return Person(int(row[0]), row[1], row[2], cast(Role, row[3])) if row else None


def hashed(password: str) -> str:
    """The argon2id hash of a password; :class:`InvalidPersonError` where it is too short."""
    if len(password) < SHORTEST_PASSWORD:
        raise InvalidPersonError(f"A password has at least {SHORTEST_PASSWORD} characters: choose a longer one.")
    return _HASHER.hash(password)


def _spelled(sign_in: str) -> str:
    sign_in = sign_in.strip().casefold()
    if not sign_in:
        raise InvalidPersonError("A sign-in has at least one character: choose one.")
    return sign_in


def _end_sessions(tx: Tx, person: int) -> None:
    tx.execute("UPDATE session SET ended = clock_timestamp() WHERE person = %s AND ended IS NULL", [person])
