"""Time, as alarms see it: a tick for each whose due moment has passed."""

from __future__ import annotations

from typing import Any, Final

import psycopg
import structlog

from alerts.database import now_ms
from alerts.errors import AlertError
from alerts.fold.fold import apply
from alerts.life.events import Tick

AT_ONCE: Final = 200

_log = structlog.get_logger(__name__)

_DUE: Final = """
SELECT alarm FROM alarm WHERE closed IS NULL AND due <= clock_timestamp() ORDER BY due, alarm LIMIT %s"""


def tick_due(db: psycopg.Connection[Any]) -> int:
    """Repeat, return, unshelve or close what is due; how many alarms that were.  ``db``: autocommit, one alarm at a time."""
    due = [alarm for (alarm,) in db.execute(_DUE, [AT_ONCE])]
    for alarm in due:
        try:
            with db.transaction():
                apply(db, alarm, Tick(now_ms(db)))
        except AlertError as error:  # one alarm must not stop the time of all others
            _log.error("an alarm could not be ticked", alarm=alarm, reason=type(error).__name__)
    return len(due)
