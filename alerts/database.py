"""What every rim of this room shares with the database: the transaction's type, its clock, and milliseconds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import psycopg

Tx = psycopg.Connection[Any]
"""A connection inside a transaction of the caller's."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)


def to_ms(at: datetime) -> int:
    """Milliseconds since the epoch of an aware datetime."""
    return (at - _EPOCH) // _MS


def to_datetime(ms: int) -> datetime:
    """The aware UTC datetime of milliseconds since the epoch."""
    return _EPOCH + int(ms) * _MS


def now(tx: Tx) -> datetime:
    """The database's clock, so that all desks and notifiers share one; it moves within a transaction."""
    row = tx.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None
    at: datetime = row[0]
    return at


def now_ms(tx: Tx) -> int:
    """:func:`now` in milliseconds."""
    return to_ms(now(tx))
