"""The lines of a list in which some patient's cannot be made: that patient's line alone shows no numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import structlog

from alerts.desk.worklist.lines import Line, lines_of
from alerts.desk.worklist.snapshot import Fault, Snapshot
from devices.wire.control import Facts

_NUMBERS: Final = "numbers"
_log = structlog.get_logger("alerts.desk.worklist.isolated")


def lines_of_each(snapshot: Snapshot) -> tuple[Snapshot, tuple[Line, ...]]:
    """All lines, and the snapshot with the faults that this found; nothing of one patient can stop those of another."""
    try:
        return snapshot, lines_of(snapshot)
    except Exception as error:  # said below for its patient
        _log.error("the list cannot be made at once: each line is made alone", error=type(error).__name__)
    system = tuple(alarm for alarm in snapshot.alarms if alarm.subject_kind != "patient")
    lines = [*lines_of(replace(snapshot, patients={}, alarms=system))]
    faults, patients = list(snapshot.faults), dict(snapshot.patients)
    for number, patient in snapshot.patients.items():
        alarms = tuple(a for a in snapshot.alarms if a.subject_kind == "patient" and a.subject == number)
        alone = replace(snapshot, patients={number: patient}, alarms=alarms)
        try:
            lines += lines_of(alone)
        except Exception as error:
            _log.error("the numbers of a patient cannot be shown", patient=number, error=type(error).__name__)
            faults.append(Fault(number, _NUMBERS))
            bare = replace(patient, name=f"{patient.name} ({_NUMBERS} cannot be shown)", facts=Facts(), limits={})
            patients[number] = bare
            lines += lines_of(replace(alone, patients={number: bare}, values={}, sparks={}))
    return replace(snapshot, patients=patients, faults=tuple(faults)), tuple(lines)
