"""The timer: a tick for each episode in which something is due, a call or the time of one of its alarms."""

from __future__ import annotations

from typing import Any, Final

import psycopg
import structlog

from alerts.database import now_ms, scalars
from alerts.fold.fold import tick

AT_ONCE: Final = 200

_log = structlog.get_logger(__name__)

_PAST: Final = "(due <= clock_timestamp() OR due >= '3000-01-01')"  # the latter is damage
_DUE: Final = f"""
SELECT episode FROM (
    (SELECT episode, due FROM episode WHERE closed IS NULL AND {_PAST} ORDER BY due LIMIT %(some)s)
    UNION ALL
    (SELECT episode, due FROM alarm WHERE closed IS NULL AND {_PAST} AND episode IS NOT NULL
     ORDER BY due LIMIT %(some)s)) found
GROUP BY episode ORDER BY min(due), episode LIMIT %(some)s"""


def tick_due(db: psycopg.Connection[Any]) -> int:
    """Call, and return, unshelve or close alarms, where it is due; return the number of episodes.  ``db``: autocommit."""
    due = scalars(db, _DUE, {"some": AT_ONCE})
    for episode in due:
        try:
            with db.transaction():
                tick(db, episode, now_ms(db))
        except psycopg.OperationalError:
            raise
        except Exception as error:  # one bad episode must not stop the others
            _log.error("an episode could not be ticked", episode=episode, reason=type(error).__name__)
    return len(due)
