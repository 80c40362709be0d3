"""The bounds of a database session, one place for worker, notifier and desk: no wait lasts for ever.

A host that vanishes says nothing.  Ours asks the server's after five seconds of silence, and gives the session up ten
seconds after something was sent that nobody confirmed.  The server's does the same: else it keeps our locks for two hours.
"""

from __future__ import annotations

from typing import Final

CONNECT_S: Final = 5
"""A connection is there within so long, or refused."""
GONE_MS: Final = 10_000
"""The time within which the other host confirms what was sent, or it has vanished."""
LOCK_S: Final = 5
TRANSACTION_S: Final = 10
"""A transaction holds rows that others wait for: whoever is stopped in it holds them no longer."""
_KEEPALIVES: Final = {"idle": 5, "interval": 2, "count": 3}  # 11 s


def session_options(
    name: str, *, statement_s: int, lock_s: int = LOCK_S, transaction_s: int = TRANSACTION_S, idle_s: int = 0
) -> dict[str, str | int]:
    """Arguments for psycopg's ``connect``: ``name`` is shown by the server, a statement may take ``statement_s`` seconds and
    wait ``lock_s`` for a lock, a transaction may stand idle for ``transaction_s``, a session for ``idle_s``; 0: for ever.

    The server counts: who is stopped in the middle of a transaction, or holds an advisory lock, loses it all the same.
    """
    server: dict[str, str | int] = {
        "statement_timeout": f"{statement_s}s",
        "lock_timeout": f"{lock_s}s",
        "idle_in_transaction_session_timeout": f"{transaction_s}s",
        "idle_session_timeout": f"{idle_s}s",
        "client_min_messages": "warning",
        "tcp_user_timeout": GONE_MS,
        **{f"tcp_keepalives_{what}": seconds for what, seconds in _KEEPALIVES.items()},
    }
    return {
        "application_name": name,
        "connect_timeout": CONNECT_S,
        "tcp_user_timeout": GONE_MS,
        **{f"keepalives_{what}": seconds for what, seconds in _KEEPALIVES.items()},
        "options": " ".join(f"-c {parameter}={value}" for parameter, value in server.items()),
    }
