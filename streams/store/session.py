"""A database session that is opened again when it breaks, and what may be tried again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final, TypeVar

import psycopg
import stamina

from devices.database_session import session_options
from streams import metrics
from streams.store.ledger import APPLICATION

_T = TypeVar("_T")
_STATEMENT_S: Final = 60
_LOCK_S: Final = 20
_WAIT_MAX_S: Final = 2.0


class Session:
    """One connection in autocommit mode, for one thread.  ``prepare`` is called with each new one."""

    def __init__(self, url: str, prepare: Callable[[psycopg.Connection], None] | None = None) -> None:
        self._url, self._prepare = url, prepare
        self._db: psycopg.Connection | None = None

    def connection(self) -> psycopg.Connection:
        """The connection, a new one where the last has broken.

        Raises:
            psycopg.OperationalError: the database is away.
        """
        if self._db is None or self._db.closed or self._db.broken:
            self.close()
            bounds = session_options(APPLICATION, statement_s=_STATEMENT_S, lock_s=_LOCK_S, transaction_s=_STATEMENT_S)
            db = psycopg.connect(self._url, autocommit=True, **bounds)  # type: ignore[arg-type]
            try:
                if self._prepare:
                    self._prepare(db)
            except BaseException:
                db.close()
                raise
            self._db = db
        return self._db

    def close(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None


def is_transient(error: BaseException) -> bool:
    """True if the same may succeed later: the database is away, read-only, full, or somebody held a lock."""
    return isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError, psycopg.errors.ReadOnlySqlTransaction))


_failed_at = float("-inf")


def in_trouble(within_s: float = 0.0) -> bool:
    """True if an attempt of this process failed within ``within_s`` (or the longest wait between attempts) for a reason that
    passes; the watchdog asks.
    """
    return time.monotonic() - _failed_at < max(within_s, 2 * _WAIT_MAX_S)


def until_done(attempt: Callable[[], _T], stop: threading.Event) -> _T:
    """``attempt()``, again with backoff and jitter while its error is transient and ``stop`` is not set.

    Raises:
        Exception: what ``attempt`` raised, when it is not transient or the worker stops.
    """

    def again(error: Exception) -> bool:
        if not is_transient(error) or stop.is_set():
            return False
        metrics.RETRIES.inc()
        global _failed_at
        _failed_at = time.monotonic()
        return True

    for one in stamina.retry_context(on=again, attempts=None, timeout=None, wait_max=_WAIT_MAX_S, wait_jitter=0.5):
        with one:
            return attempt()
    raise AssertionError("retries never end by themselves")
