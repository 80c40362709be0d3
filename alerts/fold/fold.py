"""Events folded into the stored alarms: the rim around :func:`alerts.life.transition.transition`.

The worker folds a round's conditions at once, desk and notifier one alarm a transaction.  All lock alarm rows in order of
their ids, append to ``alarm_event``, fill the outbox of notifications and, where anything changed, hint ``vigil_alarm``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Final

import structlog
from msgspec.structs import replace

from alerts.database import Tx, to_datetime
from alerts.errors import ConflictError, UnknownAlarmError
from alerts.fold.after_state_loss import ends_after_state_loss
from alerts.fold.alarm_rows import Key, insert, json_text, key_of, lock_one, lock_open, update
from alerts.life.alarm import Alarm
from alerts.life.conflict import first_conflict
from alerts.life.events import Act, Effect, HistoryEntry, Notify, StopNotifications, Tick
from alerts.life.transition import transition
from streams.engine.condition import Condition

CHANNEL: Final = "vigil_alarm"
"""NOTIFY with an empty payload: read the alarms again."""
GROUPED_RULE: Final = "gateway_offline"
GROUPING_S: Final = 3
"""Seconds to wait for a gateway's other patients, which share one message: their partitions commit in other rounds."""
OPERATORS: Final = "operators"
"""The recipient of alarms that belong to no care team: those of the partitions themselves."""

_log = structlog.get_logger(__name__)

_EVENTS: Final = """
INSERT INTO alarm_event (alarm, version, at, kind, actor, content)
SELECT alarm, version, at, kind, actor, content FROM jsonb_populate_recordset(NULL::alarm_event, %s::jsonb)
ORDER BY alarm, version"""
_STOP: Final = """
UPDATE notification SET stopped = clock_timestamp() WHERE notification IN (
    SELECT notification FROM notification
    WHERE alarm = ANY(%s) AND sent IS NULL AND stopped IS NULL ORDER BY notification FOR UPDATE)"""
_NOTIFY: Final = """
WITH message AS (
    SELECT n.alarm, n.step, n.due, n.wait, a.subject_kind, a.subject
    FROM jsonb_to_recordset(%s::jsonb) AS n(alarm int8, step int4, due timestamptz, wait float8) JOIN alarm a USING (alarm)
), everyone AS (  -- what the notifier has; a team without a choice of its own is told by all of it
    SELECT coalesce(array_agg(name), '{log}') AS channels FROM channel
), addressed AS (
    SELECT m.*, p.team, coalesce(
        CASE WHEN t.channels = '{}' THEN everyone.channels ELSE t.channels END,
        (SELECT array_agg(DISTINCT c) FROM (
            SELECT unnest(channels) c FROM care_team UNION SELECT unnest(everyone.channels)) of_any)) AS channels
    FROM message m
    CROSS JOIN everyone
    LEFT JOIN patient p ON m.subject_kind = 'patient' AND p.patient = m.subject
    LEFT JOIN care_team t ON t.team = p.team
)
INSERT INTO notification (alarm, recipient, channel, step, due, next_try)
SELECT alarm, coalesce('team:' || team, %s), channel, step, due, clock_timestamp() + make_interval(secs => wait)
FROM addressed, unnest(channels) AS channel
ON CONFLICT (alarm, recipient, channel, step) DO NOTHING"""
_SINCE: Final = "SELECT kind, actor, at FROM alarm_event WHERE alarm = %s AND version > %s ORDER BY version"


@dataclass(slots=True)
class Folded:
    """One alarm after the events so far, and the rows still to be written about it."""

    alarm: Alarm
    stored: bool
    history: list[tuple[int, HistoryEntry]] = field(default_factory=list)
    notify: list[Notify] = field(default_factory=list)
    stop: bool = False

    def take(self, alarm: Alarm, effects: Iterable[Effect]) -> None:
        self.alarm = alarm
        for effect in effects:
            match effect:
                case HistoryEntry():
                    self.history.append((alarm.version, effect))
                case Notify():
                    self.notify.append(effect)
                case StopNotifications():
                    self.stop = True
                    self.notify.clear()


def fold_conditions(tx: Tx, conditions: Sequence[Condition]) -> None:
    """Fold a round's conditions, in their order, inside the round's transaction (:class:`streams.store.FoldConditions`).

    While the caller holds the partitions' ledger rows, nobody else opens alarms of these keys.  This waits for single rows
    that the desk or the notifier holds.
    """
    if not conditions:
        return
    conditions = [*ends_after_state_loss(tx, conditions), *conditions]
    _write(tx, folded(lock_open(tx, sorted({key_of_condition(c) for c in conditions})), conditions))


def key_of_condition(c: Condition) -> Key:
    return c.of, int(c.subject), c.rule, int(c.source)


def folded(open_alarms: Mapping[Key, Alarm], conditions: Iterable[Condition]) -> list[Folded]:
    """The open alarms of these conditions' keys after the conditions, and new alarms; pure.  Closed alarms come first."""
    current_by_key = {key: Folded(alarm, stored=True) for key, alarm in open_alarms.items()}
    closed: list[Folded] = []
    for c in conditions:
        key = key_of_condition(c)
        current = current_by_key.get(key)
        if current is None:
            opened, effects = transition(None, c)
            if opened is not None:
                current_by_key[key] = new = Folded(opened, stored=False)
                new.take(opened, effects)
            continue
        current.take(*transition(current.alarm, c))
        if current.alarm.life == "closed":
            closed.append(current_by_key.pop(key))
    return [*closed, *current_by_key.values()]


def apply(tx: Tx, alarm_id: int, event: Act | Tick, *, expected_version: int | None = None) -> Alarm:
    """Fold an act of a person, or the passing of time, into one alarm; return the alarm after it.

    Args:
        tx: a transaction for this alarm alone, so that no two transactions wait for each other.
        alarm_id: the alarm's number.
        event: what a person did, or the time that passed.
        expected_version: the version that the person saw; ``None`` accepts any.

    Raises:
        UnknownAlarmError: there is no such alarm.
        ConflictError: since that version somebody else acted, or the alarm began to call again.
        RefusedError: this alarm does not allow the act now.
    """
    alarm = lock_one(tx, alarm_id)
    if alarm is None:
        raise UnknownAlarmError(alarm_id)
    if expected_version is not None and expected_version < alarm.version and not isinstance(event, Tick):
        since = tx.execute(_SINCE, [alarm_id, expected_version]).fetchall()
        found = first_conflict(((kind, actor) for kind, actor, _ in since), event.by)
        if found is not None:
            kind, actor, at = since[found]
            raise ConflictError(alarm_id, actor, at, kind)
    one = Folded(alarm, stored=True)
    one.take(*transition(alarm, event))
    _write(tx, [one])
    return one.alarm


def _write(tx: Tx, alarms: Sequence[Folded]) -> None:
    changed = [one for one in alarms if one.history]
    if not changed:
        return
    # closed alarms come before new ones: the key is unique among open alarms
    if old := [one.alarm for one in changed if one.stored]:
        update(tx, old)
    if new := [one for one in changed if not one.stored]:
        ids = insert(tx, [one.alarm for one in new])
        for one in new:
            one.alarm = replace(one.alarm, alarm=ids[key_of(one.alarm)])
    events = [
        {"alarm": one.alarm.alarm, "version": version, **asdict(entry), "at": to_datetime(entry.at)}
        for one in changed
        for version, entry in one.history
    ]
    tx.execute(_EVENTS, [json_text(events)])
    if stopped := [one.alarm.alarm for one in changed if one.stop and one.stored]:
        tx.execute(_STOP, [stopped])
    messages = [
        {
            "alarm": one.alarm.alarm,
            "step": notify.step,
            "due": to_datetime(notify.at),
            "wait": GROUPING_S if one.alarm.rule == GROUPED_RULE else 0,
        }
        for one in changed
        for notify in one.notify
    ]
    if messages:
        tx.execute(_NOTIFY, [json_text(messages), OPERATORS])
    tx.execute("SELECT pg_notify(%s, '')", [CHANNEL])
    _log.info("alarms folded", opened=len(new), changed=len(old), messages=len(messages))
