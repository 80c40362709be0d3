"""The summary of a shift: what a person has in hand, and what occurred with the patients of their teams since then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from psycopg.rows import class_row

from alerts.database import Tx, epoch_ms

_OPEN: Final = """
SELECT a.subject AS patient, count(*)::int4 AS alarms,
  (array_agg(a.alarm ORDER BY a.active DESC, a.priority DESC, a.onset))[1] AS lead,
  (extract(epoch FROM min(a.onset)) * 1000)::int8 AS since,
  bool_or(a.outcome IS NOT NULL) AS outcome,
  (array_agg(a.note ORDER BY a.onset DESC) FILTER (WHERE a.note IS NOT NULL))[1] AS note
FROM alarm a WHERE a.closed IS NULL AND a.owner = %s AND a.subject_kind = 'patient'
GROUP BY a.subject ORDER BY bool_or(a.active) DESC, max(a.priority) DESC, min(a.onset)"""
_OCCURRED: Final = f"""
SELECT a.subject AS patient, a.alarm, e.kind, {epoch_ms("e.at")}, e.actor, coalesce(e.content ->> 'outcome', '') AS outcome,
  coalesce(e.content ->> 'reason', '') AS reason, coalesce(e.content ->> 'note', '') AS note
FROM alarm_event e JOIN alarm a USING (alarm) JOIN patient p ON p.patient = a.subject
WHERE a.subject_kind = 'patient' AND p.team = ANY(%(teams)s) AND p.discharged IS NULL
  AND e.at > clock_timestamp() - make_interval(hours => %(hours)s)
  AND (e.kind IN ('outcome', 'note', 'shelve', 'reassign') OR (e.kind = 'onset' AND a.priority >= 2))
ORDER BY e.event DESC LIMIT 300"""


@dataclass(frozen=True, slots=True)
class InHand:
    """A patient in somebody's hands: their open alarms there, the one that heads them, the oldest onset (ms)."""

    patient: int
    alarms: int
    lead: int
    since: int
    outcome: bool
    note: str | None


@dataclass(frozen=True, slots=True)
class Occurred:
    """An event of a patient's alarm; ``at`` in ms, ``actor``: the person, 0 the system."""

    patient: int
    alarm: int
    kind: str
    at: int
    actor: int
    outcome: str
    reason: str
    note: str


def in_hand_of(tx: Tx, person: int) -> list[InHand]:
    """The patients that a person has, what stands first."""
    return _rows(tx, InHand, _OPEN, [person])


def occurred(tx: Tx, teams: list[int], hours: int) -> list[Occurred]:
    """The alarms that began and the acts of people in the last ``hours``, the newest first; at most 300 events."""
    return _rows(tx, Occurred, _OCCURRED, {"teams": teams, "hours": hours})


def _rows(tx: Tx, kind: type[Any], query: str, values: Any) -> list[Any]:
    return tx.cursor(row_factory=class_row(kind)).execute(query, values).fetchall()
