"""Admitting the patients of a file; a second import of the same file changes nothing."""

from __future__ import annotations

from typing import Literal

import msgspec

from alerts.care.admit import admit_patient, identity_of
from alerts.care.consent import give_consent
from alerts.care.correct import holder_of_record
from alerts.care.identity import check_identity
from alerts.care.import_lines import ImportLine, Problem, read_lines
from alerts.control.outbox import take_turn
from alerts.database import Tx, local_today, scalar
from alerts.errors import CareError, UnknownRecordError
from devices.errors import DeviceError
from devices.wire.control import Facts


class Reported(msgspec.Struct, frozen=True):
    """The result of a line.  ``ready``: it would be admitted, but nothing was to change; ``unchanged``: ``patient`` is in
    care already, exactly as the line says.
    """

    line: int
    outcome: Literal["admitted", "ready", "unchanged", "refused"]
    patient: int | None = None
    problems: tuple[Problem, ...] = ()


def import_patients(tx: Tx, master: bytes, text: str, *, team: int | None, by: int, dry_run: bool = False) -> list[Reported]:
    """Admit the patients of a file, line by line: a bad line is reported and the others are admitted.

    ``team`` is the care team of lines that name none.  Consent counts for new patients only.

    Raises:
        InvalidImportError: no line of the file can be read.
        UnknownRecordError: there is no care team ``team``.
    """
    take_turn(tx)
    teams = dict(tx.execute("SELECT team, name FROM care_team ORDER BY team").fetchall())
    if team is not None and team not in teams:
        raise UnknownRecordError("care team", team)
    lines = read_lines(text, teams, team, local_today(tx))
    return [_imported(tx, master, line, by, dry_run=dry_run) for line in lines]


def _imported(tx: Tx, master: bytes, line: ImportLine, by: int, *, dry_run: bool) -> Reported:
    if line.problems:
        return Reported(line.line, "refused", problems=line.problems)
    if holder := holder_of_record(tx, master, line.identity):
        return _already_there(tx, master, line, *holder)
    if dry_run:
        return Reported(line.line, "ready")
    try:
        with tx.transaction():  # one that fails undoes itself alone
            patient = admit_patient(tx, master, line.identity, line.team, Facts(), by)
            if line.consent:
                give_consent(tx, patient, True, by)
    except CareError as error:
        return Reported(line.line, "refused", problems=(Problem("record", str(error)),))
    return Reported(line.line, "admitted", patient)


def _already_there(tx: Tx, master: bytes, line: ImportLine, patient: int, discharged: bool) -> Reported:
    column, text = "record", ""
    if discharged:
        text = f"Patient {patient}, who is discharged, has this record number: take patient {patient} into care again."
    elif not _is_same(tx, master, line, patient):
        text = f"Patient {patient} has this record number and another identity: check it, or correct patient {patient}."
    elif scalar(tx, "SELECT team FROM patient WHERE patient = %s", [patient]) != line.team:
        column, text = "team", f"Patient {patient} is this patient, in another care team: an import changes no team."
    if text:
        return Reported(line.line, "refused", problems=(Problem(column, text),))
    return Reported(line.line, "unchanged", patient)


def _is_same(tx: Tx, master: bytes, line: ImportLine, patient: int) -> bool:
    try:
        return identity_of(tx, master, patient) == check_identity(line.identity, local_today(tx))
    except (DeviceError, CareError):
        return False  # the stored one cannot be read
