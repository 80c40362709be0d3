"""The lines of the worklist: one for each patient, one for a cause that several share, one for each system alarm.

Order: unacknowledged high → medium → technical, oldest first; then patients in hand; then patients without alarm.  A patient
whom somebody has stays in hand when an alarm joins that is no worse than what was taken: the row says that it is new.
The most urgent condition that still stands heads a row; what is over stands behind it, even if nobody has acted on it.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

from alerts.desk.worklist.causes import causes_of
from alerts.desk.worklist.cells import Cell, cells_of, inside
from alerts.desk.worklist.news2_panel import Score, score_of
from alerts.desk.worklist.snapshot import Patient, Snapshot
from alerts.desk.worklist.words import kind_of
from alerts.life.alarm import Alarm
from alerts.life.episode import in_hand

Group = Literal["open", "held", "quiet"]
_RANK: Final = {"high": 0, "medium": 1, "technical": 2, "low": 3}


@dataclass(frozen=True, slots=True)
class Line:
    """One row.  ``lead`` is the alarm it shows, ``also`` the others; ``patients``: none for a system alarm.

    ``kind`` is that of the gravest alarm that nobody has taken, which may be over; without one it is the lead's.

    ``digest`` changes with everything the row shows, except its numbers (``cells``).
    """

    key: str
    group: Group = "quiet"
    kind: str = "stable"  # high, medium, technical, low; stable without alarm
    lead: Alarm | None = None
    also: tuple[Alarm, ...] = ()
    patients: tuple[Patient, ...] = ()
    cells: Mapping[str, Cell] | None = None
    score: Score | None = None
    seen: int | None = None
    calls_next: int | None = None  # ms
    cause: str = ""  # why these patients stand in one line
    digest: str = ""

    @property
    def patient(self) -> Patient | None:
        """The patient of a patient's own line."""
        return self.patients[0] if self.key.startswith("p") else None

    @property
    def alarms(self) -> tuple[Alarm, ...]:
        return (self.lead, *self.also) if self.lead else ()

    @property
    def waiting(self) -> tuple[Alarm, ...]:
        """The alarms that "Acknowledge" takes, all in one press: those that nobody has."""
        return tuple(alarm for alarm in self.alarms if alarm.life == "unacknowledged")

    @property
    def working(self) -> tuple[Alarm, ...]:
        """The alarms that one outcome closes the work for: those that somebody has, without an outcome yet."""
        return tuple(alarm for alarm in self.alarms if alarm.life == "acknowledged" and not alarm.outcome)

    @property
    def owned(self) -> tuple[Alarm, ...]:
        """The alarms that somebody has: those that can be given to another person."""
        return tuple(alarm for alarm in self.alarms if alarm.owner is not None)

    @property
    def to_take(self) -> Alarm | None:
        """The most important of the alarms that nobody has."""
        return next(iter(self.waiting), None)

    def of(self, person: int) -> bool:
        """True if this person has an alarm of the line."""
        return any(alarm.owner == person for alarm in self.alarms)

    @property
    def held(self) -> bool:
        return self.group == "held"


def lines_of(snapshot: Snapshot) -> tuple[Line, ...]:
    """The lines of all patients, in no order; :func:`view` groups gateways, because that depends on the viewer's teams."""
    by_patient: dict[int, list[Alarm]] = defaultdict(list)
    partitions: dict[str, list[Alarm]] = defaultdict(list)
    for alarm in snapshot.alarms:
        if alarm.done:  # it waits for a new onset, which would be the same alarm; nobody has to see that
            continue
        if alarm.subject_kind == "patient":
            by_patient[alarm.subject].append(alarm)
        else:
            partitions[alarm.rule].append(alarm)
    lines = [_patient_line(snapshot, patient, by_patient.get(number, [])) for number, patient in snapshot.patients.items()]
    for rule, alarms in partitions.items():
        lines.append(_with_alarms(snapshot, Line(f"s-{rule}"), alarms))
    return tuple(lines)


def view(snapshot: Snapshot, lines: Iterable[Line], teams: frozenset[int]) -> tuple[Line, ...]:
    """The lines that members of these teams see, in order; one line for a cause that several patients share."""
    seen = [line for line in lines if not line.patients or line.patients[0].team in teams]
    causes = causes_of((line.patients[0], alarm) for line in seen if line.patients for alarm in line.alarms)
    moved = {alarm.alarm for cause in causes for _, alarm in cause.members}
    shown = []
    for line in seen:
        alarms = [alarm for alarm in line.alarms if alarm.alarm not in moved]
        shown.append(line if len(alarms) == len(line.alarms) else _with_alarms(snapshot, line, alarms))
    for cause in causes:
        patients = tuple(sorted({p.patient: p for p, _ in cause.members}.values(), key=lambda p: p.name))
        line = Line(cause.key, patients=patients, cause=cause.hint)
        shown.append(_with_alarms(snapshot, line, [alarm for _, alarm in cause.members]))
    return tuple(sorted(shown, key=_order))


def counts(lines: Iterable[Line], person: int) -> dict[str, int]:
    """The number of lines that wait, by kind; in hand; without alarm; and in this person's hands."""
    found = dict.fromkeys(("high", "medium", "technical", "held", "quiet", "mine"), 0)
    for line in lines:
        name = line.kind if line.group == "open" else line.group
        found["technical" if name == "low" else name] += 1
        found["mine"] += line.of(person)
    return found


def _patient_line(snapshot: Snapshot, patient: Patient, alarms: list[Alarm]) -> Line:
    values = snapshot.values.get(patient.patient, ())
    seen = max((v.arrived for v in values), default=None)
    cells, score = cells_of(snapshot, patient), score_of(snapshot, patient)
    line = Line(f"p{patient.patient}", patients=(patient,), cells=cells, score=score, seen=seen)
    return _with_alarms(snapshot, line, alarms)


def _with_alarms(snapshot: Snapshot, line: Line, alarms: list[Alarm]) -> Line:
    """The line with these alarms, the most important first."""
    ordered = sorted(alarms, key=_weight)
    lead = ordered[0] if ordered else None
    line = replace(line, lead=lead, also=tuple(ordered[1:]))
    calls = [at for one in alarms if (at := snapshot.calls_next.get(one.episode or 0)) is not None]
    held = line.to_take is None or (line.patient is not None and not calls and in_hand(line.alarms))
    group: Group = "quiet" if lead is None else "held" if held else "open"
    urgent = _urgent(line)
    line = replace(line, group=group, kind=kind_of(urgent) if urgent else "stable", calls_next=min(calls, default=None))
    return replace(line, digest=_digest(snapshot, line))


def _weight(alarm: Alarm) -> tuple[bool, bool, int, int, int]:
    return not alarm.active, alarm.life != "unacknowledged", *_urgency(alarm)


def _urgency(alarm: Alarm) -> tuple[int, int, int]:
    return _RANK[kind_of(alarm)], -int(alarm.priority), alarm.onset


def _urgent(line: Line) -> Alarm | None:
    """The gravest alarm that nobody has taken; if all are taken, the lead."""
    waiting = [alarm for alarm in line.alarms if alarm.life == "unacknowledged"]
    return min(waiting, key=_urgency, default=line.lead)


def _order(line: Line) -> tuple[int, int, int, int, str]:
    group, urgent = ("open", "held", "quiet").index(line.group), _urgent(line)
    if urgent is None:
        return group, 0, 0, 0, line.patients[0].name if line.patients else ""
    return group, _RANK[line.kind], -int(urgent.priority) if line.kind == "technical" else 0, urgent.onset, line.key


def _digest(snapshot: Snapshot, line: Line) -> str:
    shown: list[object] = [line.key, line.group, line.kind, line.calls_next]
    for alarm in line.alarms:
        owner = snapshot.people.get(alarm.owner or 0)
        shown += [alarm.alarm, alarm.version, owner.name if owner else "", snapshot.paged.get(alarm.episode or 0)]
    for patient in line.patients:
        shown += [patient.name, patient.born, patient.record, patient.devices, patient.away]
        shown += [inside(patient.limits, vital) for vital in range(1, 11)]
    if line.patient:
        shown.append(line.score)
        number = line.patient.patient
        shown += [tuple(b.items())[-3:] for key, b in snapshot.sparks.items() if key[0] == number]
    return hashlib.blake2b(repr(shown).encode(), digest_size=8).hexdigest()
