"""The alarms' timer: a tick for each alarm that is due."""

from __future__ import annotations

import time
from typing import Any, Final

import psycopg
import structlog

from alerts.database import now_ms, scalars
from alerts.fold.fold import apply
from alerts.life.events import Tick

AT_ONCE: Final = 200
LOCK_MS: Final = 500
"""A tick waits so long for rows that somebody else holds."""
POSTPONED_S: Final = 5.0
"""An alarm that could not be ticked is tried again after so long: it costs no other its turn."""

_log = structlog.get_logger(__name__)

# locked and let go of at once: an alarm that somebody holds is due again with the next turn
_DUE: Final = """
SELECT alarm FROM alarm
WHERE closed IS NULL AND (due <= clock_timestamp() OR due >= '3000-01-01')  -- the latter is damage
  AND alarm <> ALL(%s)
ORDER BY due, alarm LIMIT %s FOR UPDATE SKIP LOCKED"""


class AlarmTimer:
    """Ticks the alarms of a database."""

    def __init__(self) -> None:
        self._postponed: dict[int, float] = {}  # monotonic seconds

    def tick_due(self, db: psycopg.Connection[Any]) -> int:
        """Repeat, return, unshelve or close alarms that are due; return the number of those.  ``db``: autocommit.

        Raises:
            psycopg.OperationalError: the database is away.
        """
        now = time.monotonic()
        self._postponed = {alarm: until for alarm, until in self._postponed.items() if until > now}
        due = scalars(db, _DUE, [list(self._postponed), AT_ONCE])
        for alarm in due:
            try:
                with db.transaction():
                    db.execute(f"SET LOCAL lock_timeout = {LOCK_MS}".encode())
                    apply(db, alarm, Tick(now_ms(db)))
            except Exception as error:
                if db.closed:
                    raise
                _log.error("an alarm could not be ticked", alarm=alarm, reason=type(error).__name__)
                self._postponed[alarm] = time.monotonic() + POSTPONED_S
        return sum(alarm not in self._postponed for alarm in due)
