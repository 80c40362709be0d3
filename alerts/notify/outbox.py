"""The outbox of notifications: each row is sent until a receipt is stored or somebody has acted.

A row is leased in a short transaction (``FOR UPDATE SKIP LOCKED``, so several notifiers share the work), sent outside of any
transaction, and its receipt stored.  If a notifier dies in between, the lease runs out and the row is sent again: a second
copy is possible, a missing one is not.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, Final

import psycopg
import structlog
from psycopg.rows import class_row

from alerts.care.answer_links import PATH, token_of
from alerts.care.contacts import address_of
from alerts.database import scalar, scalars
from alerts.errors import ChannelError
from alerts.notify.channel import Channel, Message
from alerts.notify.grouping import FLOOD, Waiting, flooded, grouped, is_flood
from streams.engine.condition import Priority

AT_ONCE: Final = 16
"""Rows leased in one turn."""
LEASE_S: Final = 180
"""Longer than a turn can take: a channel answers or gives up within 10 s."""
LONGEST_RETRY_S: Final = 60
EARLIEST: Final = 0.8
"""A retry comes up to a fifth earlier, so that what failed together does not come back together."""
MOST_TOGETHER: Final = 2000
"""Rows of one person that one message may be for."""
SIBLING_S: Final = 60
"""A notification that joins a group so soon after its message was sent takes that message's receipt."""

_log = structlog.get_logger(__name__)

# the newest step replaces older ones
_SUPERSEDE: Final = """
UPDATE notification SET stopped = clock_timestamp(), error = 'a later call takes its place' WHERE notification IN (
    SELECT n.notification FROM notification n
    WHERE n.channel = %s AND n.sent IS NULL AND n.stopped IS NULL AND EXISTS (
        SELECT FROM notification o WHERE (o.episode, o.recipient, o.channel) = (n.episode, n.recipient, n.channel)
        AND o.step > n.step AND o.stopped IS NULL)
    ORDER BY n.notification FOR UPDATE OF n SKIP LOCKED)"""
_LEASE: Final = f"""
WITH picked AS MATERIALIZED (
    SELECT n.notification, coalesce(a.subject_kind, 'patient') AS subject_kind, coalesce(a.rule, '') AS rule,
        coalesce(a.source, 0) AS source, coalesce(a.category, 'technical') AS category,
        CASE WHEN a.alarm IS NULL THEN 2 WHEN a.priority BETWEEN 1 AND 3 THEN a.priority ELSE 3 END AS priority
    FROM notification n LEFT JOIN alarm a USING (alarm)
    WHERE n.channel = %(channel)s AND (%(recipient)s::text IS NULL OR n.recipient = %(recipient)s AND n.alarm IS NOT NULL)
      AND n.sent IS NULL AND n.stopped IS NULL AND n.next_try <= clock_timestamp()
    ORDER BY a.priority DESC NULLS LAST, n.next_try, n.notification LIMIT %(some)s FOR UPDATE OF n SKIP LOCKED
)
UPDATE notification n
SET attempts = n.attempts + 1, next_try = clock_timestamp() + make_interval(secs => {LEASE_S})
FROM picked p WHERE n.notification = p.notification
RETURNING n.notification, coalesce(n.alarm, 0) AS alarm, n.recipient, n.channel, n.step, n.attempts, n.words,
    coalesce((extract(epoch FROM n.due) * 1000)::int8, 0) AS due,
    p.subject_kind, p.rule, p.source, p.category, p.priority"""
_UNSENT: Final = "SELECT notification FROM notification WHERE notification = ANY(%s) AND sent IS NULL AND stopped IS NULL"
_SIBLING: Final = """
SELECT n.receipt FROM notification n JOIN alarm a USING (alarm)
WHERE n.sent > clock_timestamp() - make_interval(secs => %s) AND n.recipient = %s AND n.channel = %s AND n.step = %s
  AND a.subject_kind = %s AND a.rule = %s AND a.source = %s
ORDER BY n.sent DESC LIMIT 1"""
# a person who was told a moment ago of many, at least as urgent, is told of what follows by the same message
_FLOOD_SIBLING: Final = f"""
SELECT n.receipt FROM notification n JOIN alarm a USING (alarm)
WHERE n.sent > clock_timestamp() - make_interval(secs => {SIBLING_S}) AND n.recipient = %s AND n.channel = %s
  AND n.together >= %s AND a.priority >= %s
ORDER BY n.sent DESC LIMIT 1"""
_SENT: Final = """
UPDATE notification SET sent = clock_timestamp(), receipt = %s, error = NULL, together = %s WHERE notification IN (
    SELECT notification FROM notification WHERE notification = ANY(%s) ORDER BY notification FOR UPDATE)"""
_FAILED: Final = """
UPDATE notification SET next_try = clock_timestamp() + make_interval(secs => %s), error = %s WHERE notification IN (
    SELECT notification FROM notification WHERE notification = ANY(%s) ORDER BY notification FOR UPDATE)"""
# the person's next channel takes over at once; where none is left and nobody of the step was reached, so does the next step
_NEXT_CHANNEL: Final = """
UPDATE notification SET next_try = clock_timestamp(), due = least(due, clock_timestamp()) WHERE notification = (
    SELECT o.notification FROM notification n JOIN notification o USING (episode, recipient, step)
    WHERE n.notification = %s AND o.sent IS NULL AND o.stopped IS NULL AND o.attempts = 0
      AND o.next_try > clock_timestamp()
    ORDER BY o.due, o.notification LIMIT 1 FOR UPDATE OF o SKIP LOCKED)"""
_NEXT_STEP: Final = """
UPDATE escalation x SET due = clock_timestamp() FROM notification n
WHERE n.notification = %s AND x.episode = n.episode AND x.due > clock_timestamp() AND NOT EXISTS (
    SELECT FROM notification o LEFT JOIN person p ON o.recipient = 'person:' || p.person
    WHERE o.episode = n.episode AND o.due >= x.since - interval '1 second' AND o.stopped IS NULL
      AND (p.person IS NULL OR p.sign_in = ANY(x.people) AND (o.sent IS NOT NULL OR o.attempts = 0)))"""
_UNKNOWN: Final = """
UPDATE notification SET error = 'no such channel is configured' WHERE notification IN (
    SELECT notification FROM notification
    WHERE sent IS NULL AND stopped IS NULL AND error IS NULL AND channel <> ALL(%s)
    ORDER BY notification FOR UPDATE SKIP LOCKED)
RETURNING channel"""


def send_due(db: psycopg.Connection[Any], channel: Channel, desk_url: str, master: bytes = b"") -> int:
    """Send due rows of one channel, at most :data:`AT_ONCE`; return the number of rows leased.  ``db``: autocommit.

    ``master``: the master key, for people's addresses and for the links by which they answer.
    """
    taken = _lease(db, channel.name)
    for group in grouped(taken):
        numbers = [one.notification for one in group]
        unsent = set(scalars(db, _UNSENT, [numbers]))
        if left := [one for one in group if one.notification in unsent]:
            _send_alone(db, channel, left, desk_url, master)
    return len(taken)


def report_unknown_channels(db: psycopg.Connection[Any], known: Sequence[str]) -> None:
    """Report once, in the row and in the log, that a care team asks for a channel that is not configured."""
    for channel in set(scalars(db, _UNKNOWN, [list(known)])):
        _log.error("a care team is to be told by a channel that is not configured", channel=channel)


def _lease(db: psycopg.Connection[Any], channel: str) -> list[Waiting]:
    with db.transaction():
        db.execute(_SUPERSEDE, [channel])
        with db.cursor(row_factory=class_row(Waiting)) as cursor:
            rows = cursor.execute(_LEASE, {"channel": channel, "recipient": None, "some": AT_ONCE}).fetchall()
            for recipient in flooded(rows):  # all that waits for this person is one message
                rows += cursor.execute(
                    _LEASE, {"channel": channel, "recipient": recipient, "some": MOST_TOGETHER}
                ).fetchall()
    return sorted(rows, key=lambda one: (-one.priority, one.notification))


def _send_alone(db: psycopg.Connection[Any], channel: Channel, group: list[Waiting], desk_url: str, master: bytes) -> None:
    """Send one message; whatever goes wrong with it holds up no other."""
    try:
        _send(db, channel, group, desk_url, master)
    except psycopg.OperationalError:
        raise
    except Exception as error:
        _log.error("a notification failed", channel=channel.name, alarm=group[0].alarm, reason=type(error).__name__)
        db.execute(_FAILED, [LONGEST_RETRY_S, type(error).__name__, [one.notification for one in group]])
        _others_take_over(db, group)


def _send(db: psycopg.Connection[Any], channel: Channel, group: list[Waiting], desk_url: str, master: bytes) -> None:
    first, numbers = group[0], [one.notification for one in group]
    if first.grouped:
        about = [SIBLING_S, first.recipient, channel.name, first.step, first.subject_kind, first.rule, first.source]
        if (receipt := scalar(db, _SIBLING, about)) is not None:
            db.execute(_SENT, [receipt, None, numbers])
            return
    if is_flood(group):
        about = [first.recipient, channel.name, FLOOD, first.priority]
        if (receipt := scalar(db, _FLOOD_SIBLING, about)) is not None:
            db.execute(_SENT, [receipt, None, numbers])
            return
    message = _message(db, channel, group, desk_url.rstrip("/"), master)
    try:
        receipt = channel.send(message)
    except ChannelError as error:
        retry_s = min(2.0 ** min(first.attempts, 10), LONGEST_RETRY_S) * random.uniform(EARLIEST, 1.0)
        _log.warning("notification not sent", channel=channel.name, reason=error.reason, attempts=first.attempts)
        db.execute(_FAILED, [retry_s, error.reason, numbers])
        _others_take_over(db, group)
        return
    db.execute(_SENT, [receipt, len(numbers), numbers])


def _message(db: psycopg.Connection[Any], channel: Channel, group: list[Waiting], desk_url: str, master: bytes) -> Message:
    first, key = group[0], f"vigil-{min(one.notification for one in group)}"
    answers = bool(master and first.person and first.alarm and len(group) == 1)
    if answers:
        link = f"{desk_url}{PATH}{token_of(master, first.notification, first.due)}"
    else:
        link = f"{desk_url}/alarms/{first.alarm}" if first.alarm and not is_flood(group) else desk_url
    address = address_of(db, master, first.person, channel.name) if first.person and master else ""
    return Message(
        key=key,
        recipient=first.recipient,
        alarm=first.alarm,
        link=link,
        priority=Priority(first.priority),
        category=first.category,
        step=first.step,
        rule="" if is_flood(group) else first.rule,
        count=len(group),
        words=first.words or "",
        address=address or "",
        answers=answers,
    )


def _others_take_over(db: psycopg.Connection[Any], group: list[Waiting]) -> None:
    """A message that one channel failed to send goes by the person's next one at once, or if none is left, the next step."""
    for one in group:
        if one.person is not None and not db.execute(_NEXT_CHANNEL, [one.notification]).rowcount:
            db.execute(_NEXT_STEP, [one.notification])
