"""The audit table: who did or read what.  It holds no names and no values."""

from __future__ import annotations

from typing import Any

from psycopg import AsyncConnection
from psycopg.types.json import Jsonb

_INSERT = "INSERT INTO audit (person, action, subject, detail) VALUES (%s, %s, %s, %s)"


async def record(connection: AsyncConnection[Any], person: int, action: str, subject: str = "", **detail: object) -> None:
    """Store one row in the connection's transaction; ``person`` 0: nobody is signed in."""
    await connection.execute(_INSERT, (person, action, subject, Jsonb(detail)))
