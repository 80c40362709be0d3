"""The lines of the worklist: one for each patient, one for a gateway that is silent for several, one for each system alarm.

Order: unacknowledged high → medium → technical, oldest first; then alarms in hand; then patients without alarm.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

from alerts.desk.worklist.cells import Cell, cells_of, inside
from alerts.desk.worklist.news2_panel import Score, score_of
from alerts.desk.worklist.snapshot import Patient, Snapshot
from alerts.desk.worklist.words import devices_of, kind_of, plain
from alerts.life.alarm import Alarm

Group = Literal["open", "held", "quiet"]
_RANK: Final = {"high": 0, "medium": 1, "technical": 2, "low": 3}


@dataclass(frozen=True, slots=True)
class Line:
    """One row.  ``lead`` is the alarm it shows, ``also`` the others; ``patients``: none for a system alarm.

    ``digest`` changes with everything the row shows, except its numbers (``cells``).
    """

    key: str
    group: Group
    kind: str  # high, medium, technical, low; stable without alarm
    lead: Alarm | None
    also: tuple[Alarm, ...] = ()
    patients: tuple[Patient, ...] = ()
    cells: Mapping[str, Cell] | None = None
    score: Score | None = None
    seen: int | None = None
    digest: str = ""

    @property
    def patient(self) -> Patient | None:
        """The patient of a patient's own line."""
        return self.patients[0] if self.key.startswith("p") else None

    @property
    def held(self) -> bool:
        return self.group == "held"

    @property
    def label(self) -> str:
        """The alarm and its patients in one line, for a screen reader."""
        if self.lead is None:
            return ""
        names = ", ".join(p.name for p in self.patients) or "the system"
        return f"{plain(self.lead, devices_of(self.patient))}, {names}"


def lines_of(snapshot: Snapshot) -> tuple[Line, ...]:
    """The lines of all patients, in no order; :func:`view` groups gateways, because that depends on the viewer's teams."""
    by_patient: dict[int, list[Alarm]] = defaultdict(list)
    partitions: dict[str, list[Alarm]] = defaultdict(list)
    for alarm in snapshot.alarms:
        if alarm.subject_kind == "patient":
            by_patient[alarm.subject].append(alarm)
        else:
            partitions[alarm.rule].append(alarm)
    lines = [_patient_line(snapshot, patient, by_patient.get(number, [])) for number, patient in snapshot.patients.items()]
    for rule, alarms in partitions.items():
        lines.append(_line(snapshot, f"s-{rule}", alarms, ()))
    return tuple(lines)


def view(snapshot: Snapshot, lines: Iterable[Line], teams: frozenset[int]) -> tuple[Line, ...]:
    """The lines that members of these teams see, in order; one line for a gateway that is silent for several patients."""
    seen = [line for line in lines if not line.patients or line.patients[0].team in teams]
    silent: dict[int, list[Line]] = defaultdict(list)
    for line in seen:
        for alarm in _all(line):
            if alarm.rule == "gateway_offline":
                silent[alarm.source].append(line)
    grouped = {gateway for gateway, of in silent.items() if len(of) > 1}
    shown = []
    for line in seen:
        alarms = [a for a in _all(line) if not (a.rule == "gateway_offline" and a.source in grouped)]
        shown.append(line if len(alarms) == len(_all(line)) else _with_alarms(snapshot, line, alarms))
    for gateway in grouped:
        alarms = [a for line in silent[gateway] for a in _all(line) if a.rule == "gateway_offline" and a.source == gateway]
        patients = tuple(sorted((line.patients[0] for line in silent[gateway]), key=lambda p: p.name))
        shown.append(_line(snapshot, f"g{gateway}", alarms, patients))
    return tuple(sorted(shown, key=_order))


def counts(lines: Iterable[Line], person: int) -> dict[str, int]:
    """The number of lines that wait, by kind; in hand; without alarm; and in this person's hands."""
    found = dict.fromkeys(("high", "medium", "technical", "held", "quiet", "mine"), 0)
    for line in lines:
        name = line.kind if line.group == "open" else line.group
        found["technical" if name == "low" else name] += 1
        found["mine"] += line.held and line.lead is not None and line.lead.owner == person
    return found


def _patient_line(snapshot: Snapshot, patient: Patient, alarms: list[Alarm]) -> Line:
    values = snapshot.values.get(patient.patient, ())
    seen = max((v.arrived for v in values), default=None)
    line = Line(f"p{patient.patient}", "quiet", "stable", None, (), (patient,), cells_of(snapshot, patient),
                score_of(snapshot, patient), seen)  # fmt: skip
    return _with_alarms(snapshot, line, alarms)


def _line(snapshot: Snapshot, key: str, alarms: list[Alarm], patients: tuple[Patient, ...]) -> Line:
    return _with_alarms(snapshot, Line(key, "quiet", "stable", None, (), patients), alarms)


def _with_alarms(snapshot: Snapshot, line: Line, alarms: list[Alarm]) -> Line:
    """The line with these alarms, the most important first."""
    ordered = sorted(alarms, key=_weight)
    lead = ordered[0] if ordered else None
    group: Group = "quiet" if lead is None else "open" if lead.life == "unacknowledged" else "held"
    line = replace(line, lead=lead, also=tuple(ordered[1:]), group=group, kind=kind_of(lead) if lead else "stable")
    return replace(line, digest=_digest(snapshot, line))


def _weight(alarm: Alarm) -> tuple[bool, int, int, int]:
    return alarm.life != "unacknowledged", _RANK[kind_of(alarm)], -int(alarm.priority), alarm.onset


def _order(line: Line) -> tuple[int, int, int, int, str]:
    group = ("open", "held", "quiet").index(line.group)
    if line.lead is None:
        return group, 0, 0, 0, line.patients[0].name if line.patients else ""
    return group, _RANK[line.kind], -int(line.lead.priority) if line.kind == "technical" else 0, line.lead.onset, line.key


def _all(line: Line) -> tuple[Alarm, ...]:
    return (line.lead, *line.also) if line.lead else ()


def _digest(snapshot: Snapshot, line: Line) -> str:
    shown: list[object] = [line.key, line.group, line.kind]
    for alarm in _all(line):
        owner = snapshot.people.get(alarm.owner or 0)
        shown += [alarm.alarm, alarm.version, owner.name if owner else "", snapshot.paged.get(alarm.alarm)]
    for patient in line.patients:
        shown += [patient.name, patient.born, patient.record, patient.devices]
        shown += [inside(patient.limits, vital) for vital in range(1, 11)]
    if line.patient:
        shown.append(line.score)
        number = line.patient.patient
        shown += [tuple(b.items())[-3:] for key, b in snapshot.sparks.items() if key[0] == number]
    return hashlib.blake2b(repr(shown).encode(), digest_size=8).hexdigest()
