"""The timer: a tick for each episode in which something is due, a call or the time of one of its alarms."""

from __future__ import annotations

import time
from typing import Any, Final

import psycopg
import structlog

from alerts.database import now_ms, scalars
from alerts.fold.fold import tick

AT_ONCE: Final = 200
LOCK_MS: Final = 500
"""A tick waits so long for rows that somebody else holds."""
POSTPONED_S: Final = 5.0
"""An episode that could not be ticked is tried again after so long: it costs no other its turn."""

_log = structlog.get_logger(__name__)

_PAST: Final = "(due <= clock_timestamp() OR due >= '3000-01-01')"  # the latter is damage
# locked and let go of at once: an episode that somebody holds is due again with the next turn
_DUE: Final = f"""
SELECT e.episode FROM episode e JOIN (
    SELECT episode, min(due) AS due FROM (
        (SELECT episode, due FROM episode WHERE closed IS NULL AND {_PAST} AND episode <> ALL(%(postponed)s)
         ORDER BY due LIMIT %(some)s)
        UNION ALL
        (SELECT episode, due FROM alarm WHERE closed IS NULL AND {_PAST} AND episode <> ALL(%(postponed)s)
         ORDER BY due LIMIT %(some)s)) each_one
    GROUP BY episode ORDER BY min(due), episode LIMIT %(some)s) found USING (episode)
ORDER BY found.due, e.episode FOR UPDATE OF e SKIP LOCKED"""


class EpisodeTimer:
    """Ticks the episodes of a database."""

    def __init__(self) -> None:
        self._postponed: dict[int, float] = {}  # monotonic seconds

    def tick_due(self, db: psycopg.Connection[Any]) -> int:
        """Call, and return, unshelve or close alarms, where it is due; return the number of episodes.  ``db``: autocommit.

        Raises:
            psycopg.OperationalError: the database is away.
        """
        now = time.monotonic()
        self._postponed = {episode: until for episode, until in self._postponed.items() if until > now}
        due = scalars(db, _DUE, {"postponed": list(self._postponed), "some": AT_ONCE})
        for episode in due:
            try:
                with db.transaction():
                    db.execute(f"SET LOCAL lock_timeout = {LOCK_MS}".encode())
                    tick(db, episode, now_ms(db))
            except Exception as error:
                if db.closed:
                    raise
                _log.error("an episode could not be ticked", episode=episode, reason=type(error).__name__)
                self._postponed[episode] = time.monotonic() + POSTPONED_S
        return sum(episode not in self._postponed for episode in due)
