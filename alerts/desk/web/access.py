"""Access to patients and alarms: membership in a care team decides.

A patient of another team is answered like one that does not exist, and the request is audited.
"""

from __future__ import annotations

from collections.abc import Awaitable, Collection
from typing import Any, Final, TypeVar

from psycopg import AsyncConnection

from alerts.desk.errors import NotAllowedError, NotYoursError
from alerts.desk.web.audit import record
from alerts.desk.web.context import Desk
from alerts.desk.web.session import Session
from alerts.desk.worklist.read import read_alarms
from alerts.errors import UnknownRecordError
from alerts.life.alarm import Alarm

T = TypeVar("T")
_TEAM: Final = "SELECT team FROM patient WHERE patient = %s"
_TEAMS: Final = "SELECT patient, team FROM patient WHERE patient = ANY(%s)"
_LARGEST: Final = 2**31 - 1


async def existing(work: Awaitable[T]) -> T:
    """The result of ``work``; a record that does not exist is answered like one that is not theirs."""
    try:
        return await work
    except UnknownRecordError:
        raise NotYoursError from None


async def check_patient(connection: AsyncConnection[Any], session: Session, patient: int) -> None:
    """Raise :class:`NotYoursError`, and store an audit row, unless one of the person's teams has the patient."""
    row = None
    if 0 < patient <= _LARGEST:
        row = await (await connection.execute(_TEAM, (patient,))).fetchone()
    if row is None or row[0] not in session.teams:
        await record(connection, session.person, "patient.denied", f"patient:{patient}")
        await connection.commit()
        raise NotYoursError


async def visible_alarm(desk: Desk, session: Session, alarm: int) -> Alarm:
    """The alarm, open or closed; errors as :func:`check_patient`.  Everybody sees the alarms of partitions."""
    return (await visible_alarms(desk, session, [alarm]))[0]


async def visible_alarms(desk: Desk, session: Session, numbers: Collection[int]) -> list[Alarm]:
    """These alarms, in this order, in two queries; errors as :func:`visible_alarm`, for the first that is not theirs."""
    wanted = [number for number in numbers if 0 < number < 2**63]
    async with desk.pool.connection() as connection:
        found = {one.alarm: one for one in await read_alarms(connection, "alarm = ANY(%s)", wanted)}
        if missing := next((number for number in numbers if number not in found), None):
            await record(connection, session.person, "alarm.denied", f"alarm:{missing}")
            await connection.commit()
            raise NotYoursError
        await check_patients(connection, session, {one.subject for one in found.values() if one.subject_kind == "patient"})
    return [found[number] for number in numbers]


async def check_patients(connection: AsyncConnection[Any], session: Session, patients: Collection[int]) -> None:
    """:func:`check_patient` for several in one query."""
    asked = sorted({patient for patient in patients if 0 < patient <= _LARGEST})
    rows = await (await connection.execute(_TEAMS, (asked,))).fetchall()
    theirs = {patient for patient, team in rows if team in session.teams}
    for patient in patients:
        if patient not in theirs:
            await check_patient(connection, session, patient)


def may_act(session: Session, alarm: Alarm) -> bool:
    """False for an administrator and a patient's alarm; system alarms are open to everybody.  Pages offer no other act."""
    return alarm.subject_kind != "patient" or session.role != "administrator"


def check_may_act(session: Session, alarm: Alarm) -> None:
    """Raise :class:`NotAllowedError` unless :func:`may_act`."""
    if not may_act(session, alarm):
        raise NotAllowedError("Administrators cannot act on a patient's alarm: ask a nurse or clinician of the care team.")
