"""Events folded into the stored alarms and their episodes: the rim around :class:`alerts.life.case.Case`.

The worker folds a round's conditions at once, the desk a person's press, the notifier the time of one episode.  All lock the
episodes of their subjects first, in order of their ids, then the alarms in order of theirs; they append to ``alarm_event``,
fill the outbox of notifications and, where anything changed, hint ``vigil_alarm``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final

import msgspec
import structlog
from msgspec.structs import replace

from alerts.database import Tx, epoch_ms, to_datetime
from alerts.errors import ConflictError, RefusedError, UnknownAlarmError
from alerts.fold.after_state_loss import ends_after_state_loss
from alerts.fold.alarm_rows import insert, json_text, lock_of, lock_one, update
from alerts.fold.episode_rows import Subject, insert_episodes, lock_episodes, lock_open_episodes, update_episodes
from alerts.life.alarm import Alarm, Decided
from alerts.life.case import Case, key_of, key_of_condition
from alerts.life.conflict import first_conflict, may_take_back
from alerts.life.events import Act, AddNote, Call, HistoryEntry, RecordOutcome, TakeBack
from streams.engine.condition import Condition

CHANNEL: Final = "vigil_alarm"
"""NOTIFY with an empty payload: read the alarms again."""
GROUPED_RULE: Final = "gateway_offline"
GROUPING_S: Final = 3
"""Seconds to wait for a gateway's other patients, which share one message: their partitions commit in other rounds."""
ROTA: Final = "rota"
"""The channel of a call that the notifier has still to address: whom the team's rota names
(:mod:`alerts.notify.escalate`).
"""
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
    WHERE episode = ANY(%s) AND sent IS NULL AND stopped IS NULL ORDER BY notification FOR UPDATE)"""
_NOTIFY: Final = """
WITH message AS (
    SELECT n.alarm, n.episode, n.step, n.due, n.wait, a.subject_kind, a.subject
    FROM jsonb_to_recordset(%s::jsonb) AS n(alarm int8, episode int8, step int4, due timestamptz, wait float8)
    JOIN alarm a USING (alarm)
), everyone AS (  -- what the notifier has; a team without a choice of its own is told by all of it
    SELECT coalesce(array_agg(name), '{log}') AS channels FROM channel WHERE NOT personal
), addressed AS (  -- whom a rota calls is the notifier's to find: one row for all of it
    SELECT m.*, CASE WHEN t.rota IS NULL THEN 'team:' ELSE 'rota:' END || p.team AS recipient, coalesce(
        CASE WHEN t.rota IS NOT NULL THEN '{rota}' WHEN t.channels = '{}' THEN everyone.channels ELSE t.channels END,
        (SELECT array_agg(DISTINCT c) FROM (
            SELECT unnest(channels) c FROM care_team UNION SELECT unnest(everyone.channels)) of_any)) AS channels
    FROM message m
    CROSS JOIN everyone
    LEFT JOIN patient p ON m.subject_kind = 'patient' AND p.patient = m.subject
    LEFT JOIN care_team t ON t.team = p.team
)
INSERT INTO notification (alarm, episode, recipient, channel, step, due, next_try)
SELECT alarm, episode, coalesce(recipient, %s), channel, step, due, clock_timestamp() + make_interval(secs => wait)
FROM addressed, unnest(channels) AS channel
ON CONFLICT (alarm, recipient, channel, step) DO NOTHING"""
_OVER: Final = "DELETE FROM escalation WHERE episode = ANY(%s)"
_MEND: Final = """
UPDATE {} SET due = NULL
WHERE episode = %s AND closed IS NULL AND (due <= '1900-01-01 00:00Z' OR due >= '3000-01-01 00:00Z')"""
# the last act of a person, then what followed it
_LAST_ACT: Final = f"""
SELECT kind, actor, {epoch_ms("at")}, (content -> 'before')::text FROM alarm_event
WHERE alarm = %s AND version >= (SELECT max(version) FROM alarm_event WHERE alarm = %s AND actor <> 0) ORDER BY version"""
_NEWEST_ACTS: Final = """
SELECT DISTINCT ON (alarm) alarm, actor, at FROM alarm_event
WHERE alarm = ANY(%s) AND actor <> 0 ORDER BY alarm, version DESC"""
TAKE_BACK_MS: Final = 20_000
"""The time within which an act can be taken back: the ten seconds that a screen shows, and the way there."""
_SINCE: Final = "SELECT kind, actor, at FROM alarm_event WHERE alarm = %s AND version > %s ORDER BY version"


@dataclass(frozen=True, slots=True)
class Press:
    """The result of one press: the alarms that it took, and the first conflict of those that it did not."""

    alarms: tuple[Alarm, ...]
    conflict: ConflictError | None = None


def fold_conditions(tx: Tx, conditions: Sequence[Condition]) -> None:
    """Fold a round's conditions, in their order, inside the round's transaction (:class:`streams.store.FoldConditions`).

    While the caller holds the partitions' ledger rows, nobody else opens alarms or episodes of these subjects.  This waits
    for single episodes that the desk or the notifier holds.
    """
    if not conditions:
        return
    conditions = [*ends_after_state_loss(tx, conditions), *conditions]
    of: dict[Subject, list[Condition]] = defaultdict(list)
    for c in conditions:
        of[key_of_condition(c)[:2]].append(c)
    episodes = lock_open_episodes(tx, sorted(of))
    alarms = lock_of(tx, [one.episode for one in episodes.values()])
    cases = []
    for subject, some in of.items():
        episode = episodes.get(subject)
        cases.append(case := Case(episode, alarms.get(episode.episode, ()) if episode else ()))
        case.take_conditions(some)
    _write(tx, cases)


def press(tx: Tx, seen: Mapping[int, int], act: Act) -> Press:
    """One act of a person on the alarms that they saw, each with its version.

    An alarm that has changed since, so that the act would be wrong, is left alone: the conflict says why.

    Args:
        tx: a transaction for this press alone, so that no two transactions wait for each other.
        seen: the version of each alarm, by its number.
        act: what the person does to each of them.

    Raises:
        UnknownAlarmError: there is no such alarm.
        RefusedError: an alarm does not allow the act now, or all are closed; the transaction must be rolled back.
    """
    cases = _cases_of(tx, seen)
    conflict: ConflictError | None = None
    taken: list[int] = []
    for number, version in sorted(seen.items()):
        alarm = _alarm(cases, number)
        found = _conflict(tx, alarm, version, act)
        conflict = conflict or found
        if found is None and not (len(seen) > 1 and _is_past(alarm, act)):
            taken.append(number)
    if not taken and conflict is None:
        raise RefusedError("These alarms are closed: update the list.")
    for case in cases:
        case.take_acts(dict.fromkeys(taken, act), act.at)
    _write(tx, cases)
    return Press(tuple(_alarm(cases, number) for number in taken), conflict)


def apply(tx: Tx, alarm: int, act: Act, *, expected_version: int | None = None) -> Alarm:
    """Fold an act of a person into one alarm; return the alarm after it.

    Args:
        tx: a transaction for this act alone.
        alarm: the alarm's number.
        act: what the person does.
        expected_version: the version that the person saw; ``None`` accepts any.

    Raises:
        UnknownAlarmError: there is no such alarm.
        ConflictError: since that version somebody else acted, or the alarm began to call again.
        RefusedError: this alarm does not allow the act now.
    """
    done = press(tx, {alarm: _NEWEST if expected_version is None else expected_version}, act)
    if done.conflict is not None:
        raise done.conflict
    return done.alarms[0]


_NEWEST: Final = 2**31 - 1


def take_back(tx: Tx, alarms: Iterable[int], by: int, at: int) -> tuple[Alarm, ...]:
    """Take back what person ``by`` did last to each of these alarms, at most :data:`TAKE_BACK_MS` ago; return them.

    Raises:
        UnknownAlarmError: there is no such alarm.
        RefusedError: it is too late, somebody else has acted since, or an alarm is closed or calls again.
    """
    wanted = sorted(set(alarms))
    cases = _cases_of(tx, wanted)
    acts: dict[int, Act] = {}
    for number in wanted:
        entries = tx.execute(_LAST_ACT, [number, number]).fetchall()
        if _alarm(cases, number).life == "closed":
            raise RefusedError("An alarm has left the list since then: write a note instead.")
        if not entries or entries[0][1] != by or entries[0][3] is None or at > entries[0][2] + TAKE_BACK_MS:
            raise RefusedError("It is too late to take this back: act again instead.")
        if not may_take_back(kind for kind, *_ in entries[1:]):
            raise RefusedError("An alarm calls again since then: update the list.")
        acts[number] = TakeBack(by, at, msgspec.json.decode(entries[0][3], type=Decided))
    for case in cases:
        case.take_acts(acts, at)
    _write(tx, cases)
    return tuple(_alarm(cases, number) for number in wanted)


def last_act_of(tx: Tx, alarms: Iterable[int], by: int) -> list[int]:
    """Those of these alarms on which the newest act of a person is ``by``'s, done at the same time as the newest of them."""
    rows = tx.execute(_NEWEST_ACTS, [list(alarms)]).fetchall()
    mine = [(alarm, at) for alarm, actor, at in rows if actor == by]
    newest = max((at for _, at in mine), default=None)
    return [alarm for alarm, at in mine if at == newest]


def tick(tx: Tx, episode: int, at: int) -> None:
    """Fold the passing of time into an open episode and its alarms; an episode that is closed or unknown stays as it is."""
    found = lock_episodes(tx, [episode]).get(episode)
    if found is None or found.closed is not None:
        return
    case = Case(found, lock_of(tx, [episode]).get(episode, ()))
    case.take_tick(at)
    for table in ("episode", "alarm"):  # a damaged time would be due for ever
        tx.execute(_MEND.format(table).encode(), [episode])
    _write(tx, [case])


def _cases_of(tx: Tx, numbers: Iterable[int]) -> list[Case]:
    """The locked cases of some alarms: their episodes with all that is open, and those of these alarms that are closed."""
    wanted = sorted(numbers)
    of: dict[int, int | None] = dict(
        tx.execute("SELECT alarm, episode FROM alarm WHERE alarm = ANY(%s)", [wanted]).fetchall()
    )
    if unknown := [number for number in wanted if number not in of]:
        raise UnknownAlarmError(unknown[0])
    episodes = lock_episodes(tx, [one for one in of.values() if one is not None])
    alarms = lock_of(tx, [number for number, one in episodes.items() if one.closed is None])
    cases = [Case(one if one.closed is None else None, alarms.get(number, ())) for number, one in episodes.items()]
    found = {one.alarm.alarm for case in cases for one in case.alarms.values()}
    cases += [Case(None, [one]) for number in wanted if number not in found and (one := lock_one(tx, number))]
    return cases


def _alarm(cases: Iterable[Case], number: int) -> Alarm:
    return next(one.alarm for case in cases for one in case.alarms.values() if one.alarm.alarm == number)


def _is_past(alarm: Alarm, act: Act) -> bool:
    """True if of several alarms this one ended meanwhile, and the act has nothing to add to it."""
    return alarm.life == "closed" and (alarm.outcome is not None or not isinstance(act, RecordOutcome | AddNote))


def _conflict(tx: Tx, alarm: Alarm, version: int, act: Act) -> ConflictError | None:
    if version >= alarm.version:
        return None
    since = tx.execute(_SINCE, [alarm.alarm, version]).fetchall()
    found = first_conflict(((kind, actor) for kind, actor, _ in since), act.by)
    if found is None:
        return None
    kind, actor, at = since[found]
    return ConflictError(alarm.alarm, actor, at, kind)


def _write(tx: Tx, cases: Sequence[Case]) -> None:
    cases = [one for one in cases if one.changes or one.episode != one.stored]
    if not cases:
        return
    _write_episodes(tx, cases)
    changed = [(case, one) for case in cases for one in case.changes]
    if old := [one.alarm for _, one in changed if one.stored]:
        update(tx, old)
    new = [(case, one) for case, one in changed if not one.stored]
    if new:
        for case, one in new:
            one.alarm = replace(one.alarm, episode=case.episode.episode if case.episode else None)
        ids = insert(tx, [one.alarm for _, one in new])
        for _, one in new:
            one.alarm = replace(one.alarm, alarm=ids[key_of(one.alarm), one.alarm.onset])
    events = [
        {"alarm": one.alarm.alarm, "version": version, **entry_row(entry, one.before)}
        for _, one in changed
        for version, entry in one.history
    ]
    if events:
        tx.execute(_EVENTS, [json_text(events)])
    if stopped := [one.stored.episode for one in cases if one.stop and one.stored is not None]:
        tx.execute(_STOP, [stopped])
        tx.execute(_OVER, [stopped])
    messages = [_message(case, call) for case in cases for call in case.calls]
    if messages:
        tx.execute(_NOTIFY, [json_text(messages), OPERATORS])
    tx.execute("SELECT pg_notify(%s, '')", [CHANNEL])
    _log.info("alarms folded", opened=len(new), changed=len(old), messages=len(messages))


def entry_row(entry: HistoryEntry, before: Decided | None) -> dict[str, object]:
    """An entry for its row; an act of a person also says what was decided before it, so that it can be taken back."""
    content = entry.content
    if entry.actor and before is not None:
        content = {**content, "before": msgspec.to_builtins(before)}
    return {**asdict(entry), "content": content, "at": to_datetime(entry.at)}


def _write_episodes(tx: Tx, cases: Iterable[Case]) -> None:
    moved = [one for one in cases if one.episode is not None and one.episode != one.stored]
    if old := [one.episode for one in moved if one.stored is not None and one.episode is not None]:
        update_episodes(tx, old)
    if new := [one for one in moved if one.stored is None]:
        ids = insert_episodes(tx, [one.episode for one in new if one.episode is not None])
        for one in new:
            assert one.episode is not None
            one.episode = replace(one.episode, episode=ids[one.episode.subject_kind, one.episode.subject])


def _message(case: Case, call: Call) -> dict[str, object]:
    lead, episode = case.alarms[call.lead].alarm, case.episode
    assert episode is not None
    wait = GROUPING_S if lead.rule == GROUPED_RULE else 0
    return {
        "alarm": lead.alarm, "episode": episode.episode, "step": call.step, "due": to_datetime(call.at), "wait": wait,
    }  # fmt: skip
