"""Messages about holes of a rota: to its manager a week before, and at once when a step was skipped for one."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

import psycopg
import structlog

from alerts.care.channels import LOG, registered_channels
from alerts.care.reach import Hole, TeamReach, reach_of
from alerts.database import Tx, now, scalars
from alerts.fold.fold import OPERATORS
from alerts.rota.errors import RotaFileError
from alerts.rota.rota import LOOK_AHEAD
from streams.engine.condition import Priority

LOOK_S: Final = 300.0
"""The time between two looks at the week that comes."""
AGAIN: Final = timedelta(hours=12)
"""The time after which the manager hears again of a hole that lasts."""
_log = structlog.get_logger(__name__)

# of one that is open now its beginning is not known: one a while
_NEW: Final = """
INSERT INTO rota_hole (team, layer, since) SELECT %(team)s, %(layer)s, %(since)s WHERE NOT EXISTS (
    SELECT FROM rota_hole WHERE team = %(team)s AND layer = %(layer)s AND since <= %(now)s AND %(since)s <= %(now)s
    AND reported > %(now)s - %(again)s)
ON CONFLICT DO NOTHING RETURNING 1"""
_MESSAGE: Final = """
INSERT INTO notification (recipient, channel, step, due, words)
SELECT %s, unnest(%s::text[]), 0, clock_timestamp(), %s"""


class HoleWatch:
    """Looks at the rotas of all teams now and then."""

    def __init__(self) -> None:
        self._looked: float | None = None

    def look(self, db: psycopg.Connection[Any]) -> int:
        """Tell the managers of new holes; return 0: there is nothing to do until the next look.  ``db``: autocommit."""
        if self._looked is not None and time.monotonic() - self._looked < LOOK_S:
            return 0
        self._looked = time.monotonic()
        for team in scalars(db, "SELECT team FROM care_team WHERE rota IS NOT NULL ORDER BY team"):
            try:
                with db.transaction():
                    report_ahead(db, team, now(db))
            except psycopg.OperationalError:
                raise
            except Exception as error:
                _log.error("holes of a rota could not be looked for", team=team, reason=type(error).__name__)
        return 0


def report_ahead(tx: Tx, team: int, at: datetime) -> int:
    """Tell the manager of a team's holes of the next days that are new; return their number."""
    try:
        book = reach_of(tx, team)
    except RotaFileError as error:
        _log.error("a rota cannot be read", team=team, line=error.faults[0].line)
        return 0
    if book is None:
        return 0
    fresh = [hole for hole in book.holes(at, at + LOOK_AHEAD) if _is_new(tx, book, hole.layer, hole.since, at)]
    if fresh:
        words = "; ".join(_in_words(book, hole) for hole in fresh[:5])
        more = f"; and {len(fresh) - 5} more" if len(fresh) > 5 else ""
        _tell(tx, book, f"The rota of team {team} has a hole: {words}{more}. Fill it: vigil rota holes {team}.", at)
    return len(fresh)


def report_skipped(tx: Tx, book: TeamReach, skipped: Iterable[tuple[str, str]], at: datetime) -> None:
    """Tell the manager that steps were skipped, each hole once in a while."""
    fresh = [(layer, reason) for layer, reason in skipped if _is_new(tx, book, layer, at, at, timedelta(hours=1))]
    if fresh:
        words = "; ".join(f"{layer}: {reason}" for layer, reason in fresh)
        team = book.team.team
        _tell(tx, book, f"A call skipped a step because the rota of team {team} has a hole ({words}). Fill it now.", at)


def _is_new(tx: Tx, book: TeamReach, layer: str, since: datetime, at: datetime, again: timedelta = AGAIN) -> bool:
    values = {"team": book.team.team, "layer": layer, "since": since, "now": at, "again": again}
    row = tx.execute(_NEW, values).fetchone()
    return row is not None


def _tell(tx: Tx, book: TeamReach, words: str, at: datetime) -> None:
    """A message to the manager, or where no channel reaches them to the operators by every channel."""
    names = [one.channel for one in book.contacts(book.rota.manager, Priority.HIGH, at)]
    recipient = f"person:{book.people[book.rota.manager].person}" if names else OPERATORS
    tx.execute(_MESSAGE, [recipient, names or [*registered_channels(tx), LOG], words])
    _log.warning("a rota has a hole", team=book.team.team)


def _in_words(book: TeamReach, hole: Hole) -> str:
    zone = book.rota.zone
    since, until = hole.since.astimezone(zone), hole.until.astimezone(zone)
    return f"{hole.layer} from {since:%a %d %b %H:%M} to {until:%a %d %b %H:%M}, {hole.reason}"
