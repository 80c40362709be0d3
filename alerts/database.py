"""Database access of this package: the connection, the transaction's type, the database's clock, and milliseconds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import psycopg
from psycopg.rows import scalar_row

from devices.database_session import session_options

Tx = psycopg.Connection[Any]
"""A connection inside a transaction of the caller's."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)
_FURTHEST: Final = timedelta(hours=14)  # UTC+14, Kiritimati
_FIRST, _LAST = "1900-01-01 00:00Z", "3000-01-01 00:00Z"
_STATEMENT_S: Final = 30


def connect(url: str, name: str, *, idle_s: int = 0) -> psycopg.Connection[Any]:
    """An autocommit connection whose every wait has a limit: to connect, for a statement, for a server gone silent; the
    server ends it when nothing is asked for ``idle_s`` seconds (0: never).

    Raises:
        psycopg.OperationalError: the database cannot be reached.
    """
    bounds = session_options(f"vigil {name}", statement_s=_STATEMENT_S, idle_s=idle_s)
    return psycopg.connect(url, autocommit=True, **bounds)  # type: ignore[arg-type]


def wait_for_hint(db: psycopg.Connection[Any], seconds: float) -> bool:
    """Wait at most ``seconds`` for a NOTIFY on a channel that ``db`` listens to; True if one came."""
    return any(True for _ in db.notifies(timeout=seconds, stop_after=1))


def scalar(tx: Tx, query: str, values: Sequence[object] = ()) -> Any:
    """The first column of the first row of a query; ``None`` if there is no row."""
    return tx.cursor(row_factory=scalar_row).execute(query, values).fetchone()


def scalars(tx: Tx, query: str, values: Sequence[object] = ()) -> list[Any]:
    """The first column of all rows of a query."""
    return tx.cursor(row_factory=scalar_row).execute(query, values).fetchall()


def epoch_ms(column: str) -> str:
    """SQL for a timestamp as int8 milliseconds since the epoch, under the column's own name.

    NULL for a time that no calendar here holds (``infinity``, the year 20000): one damaged row must not end a query for all.
    """
    milliseconds = f"(extract(epoch FROM {column}) * 1000)::int8"
    return f"CASE WHEN {column} > '{_FIRST}' AND {column} < '{_LAST}' THEN {milliseconds} END AS {column.rpartition('.')[2]}"


def to_ms(at: datetime) -> int:
    """Milliseconds since the epoch of an aware datetime."""
    return (at - _EPOCH) // _MS


def to_datetime(ms: int) -> datetime:
    """The aware UTC datetime of milliseconds since the epoch."""
    return _EPOCH + int(ms) * _MS


def now(tx: Tx) -> datetime:
    """The database's clock, so that all desks and notifiers share one; it moves within a transaction."""
    at: datetime = scalar(tx, "SELECT clock_timestamp()")
    return at


def local_today(tx: Tx) -> date:
    """The date where the day is furthest on: nowhere is it later."""
    return (now(tx) + _FURTHEST).date()


def now_ms(tx: Tx) -> int:
    """:func:`now` in milliseconds."""
    return to_ms(now(tx))
