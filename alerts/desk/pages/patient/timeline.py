"""The history of a patient's alarms, newest first: conditions, acts of people, changes of limits and facts.

Nothing rewrites it.
"""

from __future__ import annotations

from dataclasses import replace as with_changes
from typing import Annotated, Any, Final

import msgspec
from msgspec.structs import replace
from psycopg import AsyncConnection

from alerts.database import epoch_ms, to_datetime, to_ms
from alerts.desk.pages.limits.limit_history import Version, read_limit_history
from alerts.desk.pages.patient.fact_moments import read_fact_moments
from alerts.desk.pages.patient.moment import Moment
from alerts.desk.worklist.read import read_alarms
from alerts.desk.worklist.snapshot import Patient, Snapshot
from alerts.desk.worklist.words import OUTCOMES, devices_of, kind_of, limit_number, number, plain, span
from alerts.life.alarm import Alarm
from devices.wire.ranges import Amount, Ms
from streams.engine.condition import Priority

_MOST: Final = 40
# with each event what the condition was then: its own content, or that of the newest one before it
_EVENTS: Final = f"""
SELECT e.alarm, {epoch_ms("e.at")}, e.kind, e.actor, e.content::text, b.content::text
FROM alarm_event e JOIN alarm a USING (alarm)
LEFT JOIN LATERAL (
    SELECT content FROM alarm_event c
    WHERE c.alarm = e.alarm AND c.version < e.version AND c.kind IN ('onset', 'worse', 'better')
    ORDER BY c.version DESC LIMIT 1) b ON true
WHERE a.subject_kind = 'patient' AND a.subject = %s AND e.kind <> 'repeat' ORDER BY e.event DESC LIMIT {_MOST}"""
_AT_ARRIVAL: Final = "SELECT time FROM reading WHERE patient = %s AND time = ANY(%s) AND clock = 2"
_MARK: Final = {
    "end": ("flat", "Cleared"),
    "acknowledge": ("held", "Acknowledged"),
    "outcome": ("note", "Outcome"),
    "note": ("note", "Note"),
    "shelve": ("pause", "Snoozed"),
    "unshelve": ("send", "Snooze ended by hand"),
    "shelf_ended": ("send", "Snooze ended"),
    "returned": ("send", "Came back without an outcome"),
    "reassign": ("held", "Given to somebody else"),
    "taken_back": ("flat", "Taken back"),
    "closed": ("flat", "Left the list"),
}


class _Content(msgspec.Struct, frozen=True):
    """The entry that a transition wrote; of one that is damaged, nothing."""

    priority: Annotated[int, msgspec.Meta(ge=1, le=3)] | None = None
    value: Amount | None = None
    limit: Amount | None = None
    measured: Ms | None = None
    outcome: str | None = None
    reason: str | None = None
    note: str | None = None


async def read_timeline(connection: AsyncConnection[Any], snapshot: Snapshot, patient: Patient) -> list[Moment]:
    """The newest events of this patient's alarms and limits: each with the limit by which it was judged then."""
    events = await (await connection.execute(_EVENTS, (patient.patient,))).fetchall()
    found = await read_alarms(connection, "alarm = ANY(%s)", list({event[0] for event in events}))
    alarms = {alarm.alarm: alarm for alarm in found}
    found_out = [
        (*event[:4], _content(event[4]), event[5] and _content(event[5])) for event in events if event[1] is not None
    ]
    uncertain = await _taken_at_arrival(connection, patient, [content.measured for *_, content, _ in found_out])
    moments = [
        _marked(_moment(snapshot, patient, alarms[alarm], *event), event[3].measured in uncertain)
        for alarm, *event in found_out
        if alarm in alarms
    ]
    oldest = moments[-1].at if len(moments) == _MOST else 0
    history = await read_limit_history(connection, patient.patient)
    since = max(oldest, patient.admitted)
    moments += [_limits(version) for version in history.versions if (version.effective or version.created) >= since]
    moments += await read_fact_moments(connection, patient.patient, since, _MOST)
    return sorted(moments, key=lambda moment: moment.at, reverse=True)[:_MOST]


def _content(text: str) -> _Content:
    try:
        return msgspec.json.decode(text, type=_Content)
    except msgspec.DecodeError:
        return _Content()


async def _taken_at_arrival(connection: AsyncConnection[Any], patient: Patient, measured: list[int | None]) -> set[int]:
    """Which of these times (ms) are those of an arrival."""
    times = [to_datetime(ms) for ms in measured if ms is not None]
    if not times:
        return set()
    rows = await (await connection.execute(_AT_ARRIVAL, (patient.patient, times))).fetchall()
    return {to_ms(time) for (time,) in rows}


def _marked(moment: Moment, at_arrival: bool) -> Moment:
    marks = (moment.by, "time uncertain: taken at arrival" if at_arrival else "")
    return with_changes(moment, by=", ".join(mark for mark in marks if mark))


def _limits(version: Version) -> Moment:
    """A change of limits: who, when, from what to what."""
    changed = "; ".join(str(change) for change in version.changes) or "Limits saved as before"
    whose = "the unit’s limits" if version.unit else ""
    waits = "" if version.state == "effective" else "not yet in effect"
    remark = f"{version.reason.lower()}{', ' if version.reason and version.note else ''}{version.note}"
    by = ", ".join(part for part in (whose, version.by, remark, waits) if part)
    return Moment(version.effective or version.created, "limits", "", changed, by)


def _moment(
    snapshot: Snapshot,
    patient: Patient,
    alarm: Alarm,
    at: int,
    kind: str,
    actor: int,
    content: _Content,
    before: _Content | None,
) -> Moment:
    person = snapshot.people.get(actor)
    by = person.name if person else ""
    then = _at_that_time(alarm, before or content)  # what people acted on, or what ended
    devices = devices_of(patient)
    now = _at_that_time(alarm, content)
    if kind == "late":
        return Moment(at, "info", "", f"{plain(now, devices)}: found in late data", "")
    if kind == "better":
        explanation = f"it was {kind_of(then)}{_by_new_limit(alarm, before, content)}"
        return Moment(at, "fall", kind_of(now), f"{plain(now, devices)}: better", explanation)
    if kind in ("onset", "worse"):
        mark = kind_of(now)
        return Moment(
            at, "technical" if mark == "low" else mark, mark, plain(now, devices), "it got worse" if kind == "worse" else ""
        )
    icon, word = _MARK.get(kind, ("info", kind))
    text = f"{plain(then, devices)}: {word.lower()}"
    if kind == "end":
        by = f"{_left(alarm, content)}{_by_new_limit(alarm, before, content)}"
    if kind == "outcome":
        reason = content.reason
        did = OUTCOMES.get(content.outcome or "", "").lower()
        text = f"{plain(then, devices)}: {did}{f', {reason.lower()}' if reason else ''}"
    note = content.note or (content.reason if kind == "shelve" else "")
    after = f"{span((at - alarm.onset) / 1000)} after the onset" if kind == "acknowledge" else ""
    return Moment(at, icon, "", text, ", ".join(part for part in (by, after, note) if part))


def _by_new_limit(alarm: Alarm, before: _Content | None, content: _Content) -> str:
    """Says that not the patient but a new limit made an alarm better or ended it: the value is still beyond the old one."""
    value, old = content.value, before.limit if before else None
    if alarm.vital is None or value is None or old is None or alarm.rule.rpartition(".")[2] not in ("high", "low"):
        return ""
    beyond = value < old if alarm.rule.endswith(".low") else value > old
    return f", by a change of the limit: it was {limit_number(round(old, 3))}" if beyond else ""


def _left(alarm: Alarm, content: _Content) -> str:
    """The value with which a condition ended."""
    return f"at {number(alarm.vital, content.value)}" if alarm.vital is not None and content.value is not None else ""


def _at_that_time(alarm: Alarm, content: _Content) -> Alarm:
    """The alarm as an event of it says: the value, the limit it was judged by, and the priority.

    The alarm's row holds only its newest condition; an event without a limit or value is of a condition that has none.
    """
    detail = {name: value for name, value in alarm.detail.items() if name != "total"}
    return replace(
        alarm,
        priority=Priority(content.priority or alarm.priority),
        value=content.value,
        limit_value=content.limit,
        detail=detail,
    )
