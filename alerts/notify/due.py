"""The alarms' timer: a tick for each alarm that is due."""

from __future__ import annotations

from typing import Any, Final

import psycopg
import structlog

from alerts.database import now_ms, scalars
from alerts.fold.fold import apply
from alerts.life.events import Tick

AT_ONCE: Final = 200

_log = structlog.get_logger(__name__)

_DUE: Final = """
SELECT alarm FROM alarm WHERE closed IS NULL AND (due <= clock_timestamp() OR due >= '3000-01-01')  -- the latter is damage
ORDER BY due, alarm LIMIT %s"""


def tick_due(db: psycopg.Connection[Any]) -> int:
    """Repeat, return, unshelve or close alarms that are due; return their number.  ``db``: autocommit."""
    due = scalars(db, _DUE, [AT_ONCE])
    for alarm in due:
        try:
            with db.transaction():
                apply(db, alarm, Tick(now_ms(db)))
        except psycopg.OperationalError:
            raise
        except Exception as error:  # one bad alarm must not stop the others
            _log.error("an alarm could not be ticked", alarm=alarm, reason=type(error).__name__)
    return len(due)
