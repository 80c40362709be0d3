"""People who use the desk: nurses, clinicians and administrators, with argon2id passwords."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, cast, get_args

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from alerts.care.records import row_of
from alerts.care.text import NAME, checked_text
from alerts.database import Tx, scalar
from alerts.errors import InvalidPersonError
from alerts.life.text import is_storable

Role = Literal["nurse", "clinician", "administrator"]
SHORTEST_PASSWORD: Final = 8
"""OWASP ASVS 5.0, 6.2.1."""
SESSIONS_CHANNEL: Final = "vigil_session"
"""NOTIFY with an empty payload: sessions or memberships have ended, so streams look whether theirs still stand."""
_HASHER: Final = PasswordHasher()
_NOBODY: Final = _HASHER.hash("nobody has this password")


@dataclass(frozen=True, slots=True)
class Person:
    person: int
    sign_in: str
    name: str
    role: Role


def add_person(tx: Tx, sign_in: str, name: str, role: Role, password: str) -> int:
    """Add a person; return the person's number.

    Raises:
        InvalidPersonError: the sign-in is taken, the role unknown or the password too short.
        InvalidTextError: sign-in or name is blank, too long, or holds characters that cannot be stored.
    """
    _check_role(role)
    person: int | None = scalar(
        tx,
        "INSERT INTO person (sign_in, name, role, password) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING RETURNING person",
        [_spelled(sign_in), checked_text(name, "The name", NAME), role, hashed(password)],
    )
    if person is None:
        raise InvalidPersonError(f"The sign-in {_spelled(sign_in)} is taken: choose another.")
    return person


def set_password(tx: Tx, person: int, password: str) -> None:
    """Change a password and end all sessions of the person; :class:`UnknownRecordError` if there is no such person."""
    row_of(tx, "person", person, "UPDATE person SET password = %s WHERE person = %s RETURNING person", hashed(password))
    _end_sessions(tx, person)


def disable_person(tx: Tx, person: int) -> None:
    """Stop a person from signing in and end all their sessions; errors as :func:`set_password`."""
    row_of(tx, "person", person, "UPDATE person SET disabled = clock_timestamp() WHERE person = %s RETURNING person")
    _end_sessions(tx, person)


def enable_person(tx: Tx, person: int) -> None:
    """Let a disabled person sign in again; errors as :func:`set_password`."""
    row_of(tx, "person", person, "UPDATE person SET disabled = NULL WHERE person = %s RETURNING person")


def change_person(tx: Tx, person: int, *, name: str, role: Role) -> None:
    """Correct a person's name and role; their sessions end, so that the role counts at once.

    Raises:
        UnknownRecordError: there is no such person.
        InvalidPersonError: the role is unknown.
        InvalidTextError: the name is blank, too long, or cannot be stored.
    """
    _check_role(role)
    name = checked_text(name, "The name of a person", NAME)
    row_of(tx, "person", person, "UPDATE person SET name = %s, role = %s WHERE person = %s RETURNING person", name, role)
    _end_sessions(tx, person)


def person_with(tx: Tx, sign_in: str, password: str) -> Person | None:
    """The person who signs in; ``None``, after the same time, for an unknown or disabled sign-in or a wrong password."""
    spelled = sign_in.strip().casefold()
    row = tx.execute(
        "SELECT person, sign_in, name, role, password FROM person WHERE sign_in = %s AND disabled IS NULL",
        [spelled if is_storable(spelled) else ""],
    ).fetchone()
    try:
        _HASHER.verify(row[4] if row else _NOBODY, password)
    except (VerificationError, InvalidHashError):
        return None
    return Person(int(row[0]), row[1], row[2], cast("Role", row[3])) if row else None


def hashed(password: str) -> str:
    """The argon2id hash of a password; :class:`InvalidPersonError` if it is too short."""
    if len(password) < SHORTEST_PASSWORD:
        raise InvalidPersonError(f"A password has at least {SHORTEST_PASSWORD} characters: choose a longer one.")
    return _HASHER.hash(password)


def _check_role(role: str) -> None:
    if role not in get_args(Role):
        raise InvalidPersonError(f"There is no role {role!r}: give one of {', '.join(get_args(Role))}.")


def _spelled(sign_in: str) -> str:
    return checked_text(sign_in, "The sign-in", NAME).casefold()


def _end_sessions(tx: Tx, person: int) -> None:
    tx.execute("UPDATE session SET ended = clock_timestamp() WHERE person = %s AND ended IS NULL", [person])
    tx.execute("SELECT pg_notify(%s, '')", [SESSIONS_CHANNEL])
