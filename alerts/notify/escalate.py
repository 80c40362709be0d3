"""Escalation: what an episode calls a rota for becomes messages to people, and steps whose time is over call the next.

All about one episode happens in one transaction under the lock of its row, so that a step is neither lost nor made
twice, whoever is killed when.  What cannot be decided (a rota that does not read) calls the whole team, as without a rota.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final

import psycopg
import structlog
from msgspec.structs import replace

from alerts.care.escalation_rows import read_run, write_run
from alerts.care.reach import TeamReach, reach_of
from alerts.care.teams import TEAM_CALL
from alerts.database import Tx, now_ms, scalars, to_datetime
from alerts.fold.alarm_rows import json_text, lock_of
from alerts.fold.episode_rows import lock_episodes, update_episodes
from alerts.fold.fold import ROTA
from alerts.life.alarm import Alarm
from alerts.life.episode import Episode
from alerts.notify.holes import report_skipped
from alerts.rota.episode_calls import after_step, lead_of
from alerts.rota.errors import RotaFileError
from alerts.rota.escalation import Move, Run, called, passed
from streams.engine.condition import Priority

AT_ONCE: Final = 200
LOCK_MS: Final = 500
POSTPONED_S: Final = 5.0
"""An episode that could not be escalated is tried again after so long: it costs no other its turn."""
_log = structlog.get_logger(__name__)

_DUE: Final = f"""
SELECT episode FROM (
    SELECT n.episode, CASE WHEN a.priority BETWEEN 1 AND 3 THEN a.priority ELSE 3 END AS priority, n.due
    FROM notification n JOIN alarm a USING (alarm)
    WHERE n.channel = '{ROTA}' AND n.sent IS NULL AND n.stopped IS NULL AND n.next_try <= clock_timestamp()
    UNION ALL
    SELECT x.episode, x.priority, x.due FROM escalation x WHERE x.due <= clock_timestamp()) each_one
WHERE episode <> ALL(%s) GROUP BY episode ORDER BY max(priority) DESC, min(due), episode LIMIT {AT_ONCE}"""
_WAITING: Final = f"""
SELECT notification, alarm, recipient, step FROM notification
WHERE episode = %s AND channel = '{ROTA}' AND sent IS NULL AND stopped IS NULL ORDER BY notification FOR UPDATE"""
_PEOPLE: Final = """
INSERT INTO notification (alarm, episode, recipient, channel, step, due, next_try)
SELECT alarm, episode, recipient, channel, step, due, greatest(clock_timestamp(), due)
FROM jsonb_to_recordset(%s::jsonb) AS x(alarm int8, episode int8, recipient text, channel text, step int4, due timestamptz)
ON CONFLICT (alarm, recipient, channel, step) DO NOTHING"""


class Books:
    """The rotas that one pass over the episodes has read, by team."""

    def __init__(self) -> None:
        self._read: dict[int, TeamReach | None] = {}

    def of(self, tx: Tx, team: int) -> TeamReach | None:
        """The team's rota, or ``None`` if there is none that can be read."""
        if team not in self._read:
            try:
                self._read[team] = reach_of(tx, team)
            except RotaFileError as error:
                _log.error("a rota cannot be read: the whole team is called", team=team, line=error.faults[0].line)
                self._read[team] = None
        return self._read[team]


class Escalator:
    """Escalates the episodes of a database."""

    def __init__(self) -> None:
        self._postponed: dict[int, float] = {}  # monotonic seconds

    def escalate_due(self, db: psycopg.Connection[Any]) -> int:
        """Call whom it is time to call; return the number of episodes.  ``db``: autocommit.

        Raises:
            psycopg.OperationalError: the database is away.
        """
        now = time.monotonic()
        self._postponed = {episode: until for episode, until in self._postponed.items() if until > now}
        due = scalars(db, _DUE, [list(self._postponed)])
        books = Books()
        for episode in due:
            try:
                with db.transaction():
                    db.execute(f"SET LOCAL lock_timeout = {LOCK_MS}".encode())
                    escalate(db, episode, now_ms(db), books)
            except Exception as error:
                if db.closed:
                    raise
                _log.error("an episode could not be escalated", episode=episode, reason=type(error).__name__)
                self._postponed[episode] = time.monotonic() + POSTPONED_S
                if not isinstance(error, psycopg.OperationalError):
                    _call_team_alone(db, episode)
        return sum(episode not in self._postponed for episode in due)


def escalate(tx: Tx, episode: int, at: int, books: Books | None = None) -> None:
    """Call the people whom an episode waits for, or the next step if the time of the last one is over."""
    books = Books() if books is None else books
    found = lock_episodes(tx, [episode]).get(episode)
    rows = tx.execute(_WAITING, [episode]).fetchall() if found else []
    team, run = read_run(tx, episode)
    if found is None or found.closed is not None:
        write_run(tx, episode, 0, None)
        _call_team(tx, rows)  # a call that was made is sent, whatever is over meanwhile
        return
    if rows:
        _answer_call(tx, found, rows, run, at, books)
    elif run is not None and run.due is not None and run.due <= at:
        _go_on(tx, found, lock_of(tx, [episode]).get(episode, []), books.of(tx, team), team, run, at)


def _answer_call(tx: Tx, episode: Episode, rows: Sequence[Any], run: Run | None, at: int, books: Books) -> None:
    """The episode called its team's rota: whoever has the step's time is called."""
    *_, (_, lead, recipient, number) = rows  # a later call takes the place of an earlier one
    team = int(recipient.rpartition(":")[2])
    book = books.of(tx, team)
    alarms = lock_of(tx, [episode.episode]).get(episode.episode, [])
    priority = max((one.priority for one in alarms if one.alarm == lead), default=Priority.HIGH)
    if book is None or not book.rota.policy.of(max(priority, run.priority if run else priority)):
        _call_team(tx, rows)
        return
    reach = partial(book.reach, priority=max(priority, run.priority if run else priority), at=to_datetime(at))
    move = called(run, book.rota.policy, priority, at, reach)
    _write(tx, episode.episode, lead, number, book, move, at)
    tx.execute("DELETE FROM notification WHERE notification = ANY(%s)", [[row[0] for row in rows]])


def _go_on(tx: Tx, episode: Episode, alarms: Sequence[Alarm], book: TeamReach | None, team: int, run: Run, at: int) -> None:
    """The time of a step is over: the next one is called while the episode calls, and once for what is over but was high."""
    found = lead_of(episode, alarms)
    move = None
    if found is not None and book is not None:
        reach = partial(book.reach, priority=run.priority, at=to_datetime(at))
        move = passed(run, book.rota.policy, at, reach, once=found[1])
    if found is None or book is None or move is None:
        write_run(tx, episode.episode, team, replace(run, due=None))
        return
    _write(tx, episode.episode, found[0].alarm, episode.step, book, move, at)
    update_episodes(tx, [after_step(episode, alarms, at)])


def _write(tx: Tx, episode: int, lead: int, number: int, book: TeamReach, move: Move, at: int) -> None:
    now = to_datetime(at)
    messages = [
        {
            "alarm": lead,
            "episode": episode,
            "recipient": f"person:{book.people[sign_in].person}",
            "channel": contact.channel,
            "step": number,
            "due": contact.not_before or to_datetime(move.run.since + contact.after_s * 1000),
        }
        for sign_in in move.reached.people
        for contact in book.contacts(sign_in, move.run.priority, now)
    ]
    if messages:
        tx.execute(_PEOPLE, [json_text(messages)])
    if move.reached.team or move.nobody:
        tx.execute(TEAM_CALL, [lead, episode, number, now, book.team.team])
    write_run(tx, episode, book.team.team, move.run)
    report_skipped(tx, book, _skipped(move, book, now), now)


def _skipped(move: Move, book: TeamReach, now: datetime) -> list[tuple[str, str]]:
    """The targets that had nobody, each with its reason."""
    holes = dict.fromkeys(hole for one in (*move.skipped, move.reached) for hole in one.holes)
    return [(hole, reason) for hole in holes if (reason := book.hole(hole, now))]


def _call_team(tx: Tx, rows: Sequence[Any]) -> None:
    """Call the whole team by its channels, as without a rota."""
    episode = None
    for notification, alarm, recipient, step in rows:
        (episode,) = tx.execute(
            "DELETE FROM notification WHERE notification = %s RETURNING episode", [notification]
        ).fetchone() or (episode,)
        tx.execute(TEAM_CALL, [alarm, episode, step, to_datetime(now_ms(tx)), int(recipient.rpartition(":")[2])])


def _call_team_alone(db: psycopg.Connection[Any], episode: int) -> None:
    """After an error of whatever kind: the call that waits goes to the team."""
    try:
        with db.transaction():
            db.execute(f"SET LOCAL lock_timeout = {LOCK_MS}".encode())
            _call_team(db, db.execute(_WAITING, [episode]).fetchall())
    except psycopg.Error as error:
        _log.error("a team could not be called", episode=episode, reason=type(error).__name__)
