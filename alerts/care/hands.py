"""The work in people's hands: who has which patients, and its hand-over from one shift to the next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from alerts.care.records import check_in_care
from alerts.database import Tx, now_ms, scalars
from alerts.errors import RefusedError
from alerts.fold.alarm_rows import SELECT_ALARM, alarm_row
from alerts.fold.fold import Press, press
from alerts.life.alarm import Alarm
from alerts.life.events import Act, Reassign

_MEMBER: Final = """
SELECT p.patient FROM patient p WHERE p.patient = ANY(%s) AND NOT EXISTS (
    SELECT FROM membership m WHERE m.team = p.team AND m.person = %s AND (m.until IS NULL OR m.until > clock_timestamp()))
ORDER BY 1"""
_ABLE: Final = """
SELECT p.person, p.name, p.role FROM person p
WHERE p.disabled IS NULL AND p.role <> 'administrator' AND EXISTS (
    SELECT FROM membership m WHERE m.person = p.person AND (m.until IS NULL OR m.until > clock_timestamp()))
  AND NOT EXISTS (
    SELECT FROM patient x WHERE x.patient = ANY(%s) AND NOT EXISTS (
        SELECT FROM membership m WHERE m.team = x.team AND m.person = p.person
          AND (m.until IS NULL OR m.until > clock_timestamp())))
ORDER BY p.name, p.person"""


def able_to_act(tx: Tx, patients: Sequence[int]) -> list[tuple[int, str, str]]:
    """The people (number, name, role) who may act on the alarms of all these patients, by name."""
    return tx.execute(_ABLE, [list(patients)]).fetchall()


def open_alarms(tx: Tx, patient: int | None = None) -> list[Alarm]:
    """The open alarms of a patient, or of everybody: by patient, the oldest first."""
    where = "closed IS NULL" + ("" if patient is None else " AND subject_kind = 'patient' AND subject = %s")
    values = [] if patient is None else [patient]
    cursor = tx.cursor(row_factory=alarm_row)
    return cursor.execute(f"{SELECT_ALARM} WHERE {where} ORDER BY subject_kind, subject, onset, alarm", values).fetchall()


def work_of(tx: Tx, person: int) -> list[Alarm]:
    """The open alarms that a person has, by patient."""
    cursor = tx.cursor(row_factory=alarm_row)
    where = "closed IS NULL AND owner = %s ORDER BY subject_kind, subject, onset, alarm"
    return cursor.execute(f"{SELECT_ALARM} WHERE {where}", [person]).fetchall()


def act_on(tx: Tx, patient: int, alarms: Sequence[Alarm], act: Act) -> Press:
    """One act on these alarms of a patient, as they were read.

    Raises:
        NotInCareError: the patient is discharged.
        RefusedError: there is nothing to act on, or an alarm does not allow it; or the person is of another team.
        ConflictError: somebody else was first with all of them.
    """
    check_in_care(tx, patient)
    if not alarms:
        raise RefusedError(f"Patient {patient} has no such alarm: see vigil alarm list --patient {patient}.")
    check_member(tx, [patient], act.by)
    done = press(tx, {one.alarm: one.version for one in alarms}, act)
    if done.conflict is not None and not done.alarms:
        raise done.conflict
    return done


def hand_over(tx: Tx, person: int, to: int, by: int) -> list[Alarm]:
    """Give all that a person has to another one; return it, as the new owner has it.

    Raises:
        RefusedError: the person has nothing, or the other one is not of the care team of one of the patients.
    """
    mine = work_of(tx, person)
    if not mine:
        raise RefusedError("There is nothing in this person's hands: no hand-over is needed.")
    check_member(tx, sorted({one.subject for one in mine if one.subject_kind == "patient"}), to)
    return list(press(tx, {one.alarm: one.version for one in mine}, Reassign(by, now_ms(tx), to)).alarms)


def check_member(tx: Tx, patients: Sequence[int], person: int) -> None:
    """Raise :class:`RefusedError` unless the person is of the care teams of all these patients, and no administrator."""
    if outside := scalars(tx, _MEMBER, [list(patients), person]):
        raise RefusedError(f"Patient {outside[0]} belongs to another care team: name somebody of that team.")
    if patients and scalars(tx, "SELECT person FROM person WHERE person = %s AND role = 'administrator'", [person]):
        raise RefusedError("Administrators cannot act on a patient's alarm: name a nurse or clinician of the care team.")
