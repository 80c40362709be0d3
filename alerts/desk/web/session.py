"""Sessions: an opaque 256-bit id in a cookie; the database keeps only its hash.

The database's clock measures idle and absolute time.  A request that a page makes by itself (header ``Vigil-Background``)
does not count as use, and neither does a stream that a browser opens again.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Any, Final

from psycopg import AsyncConnection
from starlette.requests import Request
from starlette.responses import Response

from alerts.care.gateways import hash_of
from alerts.care.people import SESSIONS_CHANNEL
from alerts.desk.errors import NotAllowedError
from alerts.desk.settings import DeskSettings

BACKGROUND: Final = "Vigil-Background"
CSRF: Final = "X-CSRF-Token"

_FIND = """
SELECT p.person, p.name, p.role, p.sign_in, extract(epoch FROM s.seen - now())::float8 + %(idle)s,
       extract(epoch FROM s.created - now())::float8 + %(absolute)s,
       ARRAY(SELECT m.team FROM membership m WHERE m.person = p.person AND (m.until IS NULL OR m.until > now()))
FROM session s JOIN person p USING (person)
WHERE s.hash = %(hash)s AND s.ended IS NULL AND p.disabled IS NULL
  AND s.seen > now() - make_interval(secs => %(idle)s) AND s.created > now() - make_interval(secs => %(absolute)s)
"""
MOST_SESSIONS: Final = 50
"""Sessions of one person at a time: a ward's shared account has a few dozen screens at most."""
_TIDY = """
DELETE FROM session WHERE ended IS NOT NULL OR seen < now() - make_interval(secs => %(idle)s)
   OR created < now() - make_interval(secs => %(absolute)s)
   OR hash IN (SELECT hash FROM session WHERE person = %(person)s ORDER BY seen DESC OFFSET %(most)s)"""
_TOUCH = "UPDATE session SET seen = now() WHERE hash = %s AND seen < now() - interval '20 seconds'"


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in person with their care teams."""

    hash: bytes
    person: int
    name: str
    role: str
    sign_in: str
    teams: frozenset[int]
    csrf: str
    idle_left_s: float = 0.0
    """Seconds until it ends unless somebody uses it."""
    left_s: float = 0.0
    """Seconds until it ends in any case."""


def csrf_of(token: str) -> str:
    """The token that this session's forms carry."""
    return hmac.new(token.encode(), b"vigil csrf", hashlib.sha256).hexdigest()


async def open_session(connection: AsyncConnection[Any], person: int, settings: DeskSettings) -> str:
    """Open a session; return its id, for the cookie alone.  Sessions that are over go, and the oldest of too many."""
    token = secrets.token_urlsafe(32)
    limits = {"person": person, "idle": settings.idle_s, "absolute": settings.absolute_s, "most": MOST_SESSIONS - 1}
    await connection.execute(_TIDY, limits)
    await connection.execute("INSERT INTO session (hash, person) VALUES (%s, %s)", (hash_of(token), person))
    return token


async def find_session(
    connection: AsyncConnection[Any], token: str | None, settings: DeskSettings, *, touch: bool
) -> Session | None:
    """The live session of a cookie, or ``None``; ``touch`` counts this as use."""
    if not token:
        return None
    hashed = hash_of(token)
    limits = {"hash": hashed, "idle": settings.idle_s, "absolute": settings.absolute_s}
    row = await (await connection.execute(_FIND, limits)).fetchone()
    if row is None:
        return None
    if touch:
        await connection.execute(_TOUCH, (hashed,))
    person, name, role, sign_in, idle_left_s, left_s, teams = row
    return Session(hashed, person, name, role, sign_in, frozenset(teams), csrf_of(token), idle_left_s, left_s)


async def end_session(connection: AsyncConnection[Any], hashed: bytes) -> None:
    """End a session at once, wherever its cookie is used."""
    await connection.execute("UPDATE session SET ended = now() WHERE hash = %s AND ended IS NULL", (hashed,))
    await connection.execute("SELECT pg_notify(%s, '')", (SESSIONS_CHANNEL,))


async def check_form(request: Request, expected: str) -> None:
    """Raise :class:`NotAllowedError` unless the request carries this session's token in its header or its form."""
    given = request.headers.get(CSRF)
    if given is None:
        value = (await request.form()).get("csrf")
        given = value if isinstance(value, str) else ""
    if not hmac.compare_digest(given.encode(), expected.encode()):
        raise NotAllowedError


def give_cookie(response: Response, name: str, value: str, settings: DeskSettings, max_age: int) -> None:
    """Set a cookie that scripts cannot read and other sites cannot send."""
    response.set_cookie(name, value, max_age=max_age, path="/", secure=settings.secure, httponly=True, samesite="strict")
