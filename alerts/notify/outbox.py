"""The outbox of notifications: each row is sent until a receipt is stored or somebody has acted.

A row is leased in a short transaction (``FOR UPDATE SKIP LOCKED``, so several notifiers share the work), sent outside of any
transaction, and its receipt stored.  If a notifier dies in between, the lease runs out and the row is sent again: a second
copy is possible, a missing one is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import psycopg
import structlog
from psycopg.rows import class_row

from alerts.database import scalar, scalars
from alerts.errors import ChannelError
from alerts.notify.channel import Channel, Message
from alerts.notify.grouping import Waiting, grouped
from streams.engine.condition import Priority

AT_ONCE: Final = 16
"""Rows leased in one turn."""
LEASE_S: Final = 180
"""Longer than a turn can take: a channel answers or gives up within 10 s."""
LONGEST_RETRY_S: Final = 60
SIBLING_S: Final = 60
"""A notification that joins a group so soon after its message was sent takes that message's receipt."""

_log = structlog.get_logger(__name__)

# the newest step replaces older ones
_SUPERSEDE: Final = """
UPDATE notification SET stopped = clock_timestamp(), error = 'a later call takes its place' WHERE notification IN (
    SELECT n.notification FROM notification n
    WHERE n.channel = %s AND n.sent IS NULL AND n.stopped IS NULL AND EXISTS (
        SELECT FROM notification o WHERE (o.alarm, o.recipient, o.channel) = (n.alarm, n.recipient, n.channel)
        AND o.step > n.step AND o.stopped IS NULL)
    ORDER BY n.notification FOR UPDATE OF n SKIP LOCKED)"""
_LEASE: Final = """
WITH picked AS MATERIALIZED (
    SELECT n.notification FROM notification n JOIN alarm a USING (alarm)
    WHERE n.channel = %s AND n.sent IS NULL AND n.stopped IS NULL AND n.next_try <= clock_timestamp()
    ORDER BY a.priority DESC, n.next_try, n.notification LIMIT %s FOR UPDATE OF n SKIP LOCKED
)
UPDATE notification n
SET attempts = n.attempts + 1, next_try = clock_timestamp() + make_interval(secs => %s)
FROM picked, alarm a WHERE n.notification = picked.notification AND a.alarm = n.alarm
RETURNING n.notification, n.alarm, n.recipient, n.channel, n.step, n.attempts,
    a.subject_kind, a.rule, a.source, a.category,
    CASE WHEN a.priority BETWEEN 1 AND 3 THEN a.priority ELSE 3 END AS priority"""
_UNSENT: Final = "SELECT notification FROM notification WHERE notification = ANY(%s) AND sent IS NULL AND stopped IS NULL"
_SIBLING: Final = """
SELECT n.receipt FROM notification n JOIN alarm a USING (alarm)
WHERE n.sent > clock_timestamp() - make_interval(secs => %s) AND n.recipient = %s AND n.channel = %s AND n.step = %s
  AND a.subject_kind = %s AND a.rule = %s AND a.source = %s
ORDER BY n.sent DESC LIMIT 1"""
_SENT: Final = """
UPDATE notification SET sent = clock_timestamp(), receipt = %s, error = NULL WHERE notification IN (
    SELECT notification FROM notification WHERE notification = ANY(%s) ORDER BY notification FOR UPDATE)"""
_FAILED: Final = """
UPDATE notification SET next_try = clock_timestamp() + make_interval(secs => %s), error = %s WHERE notification IN (
    SELECT notification FROM notification WHERE notification = ANY(%s) ORDER BY notification FOR UPDATE)"""
_UNKNOWN: Final = """
UPDATE notification SET error = 'no such channel is configured' WHERE notification IN (
    SELECT notification FROM notification
    WHERE sent IS NULL AND stopped IS NULL AND error IS NULL AND channel <> ALL(%s)
    ORDER BY notification FOR UPDATE SKIP LOCKED)
RETURNING channel"""


def send_due(db: psycopg.Connection[Any], channel: Channel, desk_url: str) -> int:
    """Send due rows of one channel, at most :data:`AT_ONCE`; return the number of rows leased.  ``db``: autocommit."""
    taken = _lease(db, channel.name)
    for group in grouped(taken):
        numbers = [one.notification for one in group]
        unsent = set(scalars(db, _UNSENT, [numbers]))
        if left := [one for one in group if one.notification in unsent]:
            _send_alone(db, channel, left, desk_url)
    return len(taken)


def report_unknown_channels(db: psycopg.Connection[Any], known: Sequence[str]) -> None:
    """Report once, in the row and in the log, that a care team asks for a channel that is not configured."""
    for channel in set(scalars(db, _UNKNOWN, [list(known)])):
        _log.error("a care team is to be told by a channel that is not configured", channel=channel)


def _lease(db: psycopg.Connection[Any], channel: str) -> list[Waiting]:
    with db.transaction():
        db.execute(_SUPERSEDE, [channel])
        with db.cursor(row_factory=class_row(Waiting)) as cursor:
            rows = cursor.execute(_LEASE, [channel, AT_ONCE, LEASE_S]).fetchall()
    return sorted(rows, key=lambda one: (-one.priority, one.notification))


def _send_alone(db: psycopg.Connection[Any], channel: Channel, group: list[Waiting], desk_url: str) -> None:
    """Send one message; whatever goes wrong with it holds up no other."""
    try:
        _send(db, channel, group, desk_url)
    except psycopg.OperationalError:
        raise
    except Exception as error:
        _log.error("a notification failed", channel=channel.name, alarm=group[0].alarm, reason=type(error).__name__)
        db.execute(_FAILED, [LONGEST_RETRY_S, type(error).__name__, [one.notification for one in group]])


def _send(db: psycopg.Connection[Any], channel: Channel, group: list[Waiting], desk_url: str) -> None:
    first, numbers = group[0], [one.notification for one in group]
    if first.grouped:
        about = [SIBLING_S, first.recipient, channel.name, first.step, first.subject_kind, first.rule, first.source]
        if (receipt := scalar(db, _SIBLING, about)) is not None:
            db.execute(_SENT, [receipt, numbers])
            return
    message = Message(
        key=f"vigil-{min(numbers)}",
        recipient=first.recipient,
        alarm=first.alarm,
        link=f"{desk_url.rstrip('/')}/alarms/{first.alarm}",
        priority=Priority(first.priority),
        category=first.category,
        step=first.step,
        rule=first.rule,
        count=len(group),
    )
    try:
        receipt = channel.send(message)
    except ChannelError as error:
        retry_s = min(2.0 ** min(first.attempts, 10), LONGEST_RETRY_S)
        _log.warning("notification not sent", channel=channel.name, reason=error.reason, attempts=first.attempts)
        db.execute(_FAILED, [retry_s, error.reason, numbers])
        return
    db.execute(_SENT, [receipt, numbers])
