"""The history of a patient's alarms, newest first: conditions, acts of people, pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from msgspec.structs import replace
from psycopg import AsyncConnection

from alerts.database import epoch_ms
from alerts.desk.worklist.read import read_alarms
from alerts.desk.worklist.snapshot import Patient, Snapshot
from alerts.desk.worklist.words import OUTCOMES, devices_of, kind_of, plain, span
from alerts.life.alarm import Alarm
from streams.engine.condition import Priority

_EVENTS: Final = f"""
SELECT e.alarm, {epoch_ms("e.at")}, e.kind, e.actor, e.content
FROM alarm_event e JOIN alarm a USING (alarm)
WHERE a.subject_kind = 'patient' AND a.subject = %s AND e.kind <> 'repeat' ORDER BY e.event DESC LIMIT 40"""
_MARK: Final = {
    "end": ("flat", "Cleared"),
    "better": ("fall", "Better"),
    "acknowledge": ("held", "Acknowledged"),
    "outcome": ("note", "Outcome"),
    "note": ("note", "Note"),
    "shelve": ("pause", "Snoozed"),
    "unshelve": ("send", "Snooze ended by hand"),
    "shelf_ended": ("send", "Snooze ended"),
    "returned": ("send", "Came back without an outcome"),
    "closed": ("flat", "Left the list"),
}


@dataclass(frozen=True, slots=True)
class Moment:
    """One line: an onset has the mark of its priority in ``kind``, others have an icon."""

    at: int
    icon: str
    kind: str
    text: str
    by: str


async def read_timeline(connection: AsyncConnection[Any], snapshot: Snapshot, patient: Patient) -> list[Moment]:
    """The newest forty events of this patient's alarms."""
    events = await (await connection.execute(_EVENTS, (patient.patient,))).fetchall()
    found = await read_alarms(connection, "alarm = ANY(%s)", list({event[0] for event in events}))
    alarms = {alarm.alarm: alarm for alarm in found}
    return [_moment(snapshot, patient, alarms[a], at, kind, actor, content) for a, at, kind, actor, content in events]


def _moment(
    snapshot: Snapshot, patient: Patient, alarm: Alarm, at: int, kind: str, actor: int, content: dict[str, Any]
) -> Moment:
    person = snapshot.people.get(actor)
    by = person.name if person else ""
    if kind in ("onset", "worse"):
        then = _at_that_time(alarm, content)
        mark = kind_of(then)
        icon = "technical" if mark == "low" else mark
        return Moment(at, icon, mark, plain(then, devices_of(patient)), "it got worse" if kind == "worse" else "")
    icon, word = _MARK.get(kind, ("info", kind))
    text = f"{plain(alarm, devices_of(patient))}: {word.lower()}"
    if kind == "outcome":
        reason = content.get("reason")
        did = OUTCOMES.get(content.get("outcome", ""), "").lower()
        text = f"{plain(alarm, devices_of(patient))}: {did}{f', {reason.lower()}' if reason else ''}"
    note = content.get("note") or (content.get("reason") if kind == "shelve" else "")
    after = f"{span((at - alarm.onset) / 1000)} after the onset" if kind == "acknowledge" else ""
    return Moment(at, icon, "", text, ", ".join(part for part in (by, after, note) if part))


def _at_that_time(alarm: Alarm, content: dict[str, Any]) -> Alarm:
    value, limit = content.get("value", alarm.value), content.get("limit", alarm.limit_value)
    return replace(alarm, priority=Priority(content.get("priority", Priority.LOW)), value=value, limit_value=limit)
