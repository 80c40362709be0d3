"""Acts on several alarms, of one patient or of many: snooze, give to a colleague, note; and the last act taken back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from alerts.care.hands import able_to_act, check_member
from alerts.database import now_ms
from alerts.desk.pages.actions import (
    SHELF_REASONS,
    done_with,
    notice,
    press_on,
    seen_alarms,
    shelf_choices,
    shelf_of,
)
from alerts.desk.web.audit import record
from alerts.desk.web.context import Desk, Handler, signed_in, text_of
from alerts.desk.web.session import Session
from alerts.desk.web.templates import versions
from alerts.errors import RefusedError, UnknownAlarmError
from alerts.fold.fold import take_back
from alerts.life.alarm import Alarm
from alerts.life.events import AddNote, Reassign, Shelve
from alerts.life.typed_number import whole_number
from streams.engine.condition import Priority


@signed_in
async def snooze(request: Request, desk: Desk, session: Session) -> Response:
    """Snooze all these alarms for one time and one reason."""
    seen, alarms = await seen_alarms(request, desk, session)
    minutes, explanation, problems = shelf_of(await request.form(), _lengths(alarms))
    if problems:
        return await _form(desk, session, "_snooze.html", alarms, problems)
    length = minutes * 60_000
    return await press_on(
        desk, seen, alarms[0], lambda at: Shelve(session.person, at, at + length, explanation), f"Snoozed for {minutes} min"
    )


@signed_in
async def give(request: Request, desk: Desk, session: Session) -> Response:
    """Give the work to a colleague, who may act on every one of these patients."""
    seen, alarms = await seen_alarms(request, desk, session)
    to = whole_number(text_of(await request.form(), "to"))
    able = await desk.write(lambda tx: able_to_act(tx, _patients(alarms)))
    name = next((name for person, name, _ in able if person == to), None)
    if to is None or name is None:
        return await _form(desk, session, "_give.html", alarms, {"to": "Choose a colleague"})
    await desk.write(lambda tx: check_member(tx, _patients(alarms), to))
    answer = await press_on(desk, seen, alarms[0], lambda at: Reassign(session.person, at, to), f"Given to {name}")
    if answer.status_code == 200:
        async with desk.pool.connection() as connection:
            for patient in _patients(alarms):
                await record(connection, session.person, "alarm.given", f"patient:{patient}", to=to)
    return answer


@signed_in
async def note(request: Request, desk: Desk, session: Session) -> Response:
    """Write one note on all these alarms."""
    seen, alarms = await seen_alarms(request, desk, session)
    text = text_of(await request.form(), "note", 2000)
    if not text:
        return await _form(desk, session, "_remark.html", alarms, {"note": "Write a note"})
    return await press_on(desk, seen, alarms[0], lambda at: AddNote(session.person, at, text), "Noted")


@signed_in
async def undo(request: Request, desk: Desk, session: Session) -> Response:
    """Take the person's own last act on these alarms back."""
    seen, _ = await seen_alarms(request, desk, session)
    try:
        alarms = await desk.write(lambda tx: take_back(tx, seen, session.person, now_ms(tx)))
    except (RefusedError, UnknownAlarmError) as error:
        await desk.reader.refresh()
        return notice(desk, str(error))
    await desk.reader.refresh()
    answer = done_with(alarms, "Taken back")
    answer.headers["HX-Trigger"] = "vigil:done, vigil:changed"  # what was taken back is not offered once more
    return answer


def _dialog(template: str) -> Handler:
    @signed_in
    async def dialog(request: Request, desk: Desk, session: Session) -> Response:
        _, alarms = await seen_alarms(request, desk, session)
        return await _form(desk, session, template, alarms)

    return dialog


def _patients(alarms: Sequence[Alarm]) -> list[int]:
    return sorted({alarm.subject for alarm in alarms if alarm.subject_kind == "patient"})


def _lengths(alarms: Sequence[Alarm]) -> list[int]:
    """Lengths of a snooze in minutes that the gravest of these alarms allows."""
    return shelf_choices(max(alarms, key=lambda one: Priority(one.priority)))


async def _form(
    desk: Desk, session: Session, template: str, alarms: Sequence[Alarm], problems: dict[str, str] | None = None
) -> Response:
    patients, snapshot = _patients(alarms), desk.reader.snapshot
    shown: dict[str, Any] = {"colleagues": []}
    if template == "_give.html":
        able = await desk.write(lambda tx: able_to_act(tx, patients))
        owners = {alarm.owner for alarm in alarms}
        shown["colleagues"] = [one for one in able if owners != {one[0]}]
    names = [snapshot.patients[n].name for n in patients if snapshot and n in snapshot.patients]
    return desk.page(
        template, status=422 if problems else 200, session=session, problems=problems or {}, seen=versions(alarms),
        names=names, alarms=alarms, shelf_reasons=SHELF_REASONS, minutes=_lengths(alarms), **shown,
    )  # fmt: skip


ROUTES: Final = [
    Route("/acts/snooze", _dialog("_snooze.html"), methods=["GET"]),
    Route("/acts/snooze", snooze, methods=["POST"]),
    Route("/acts/give", _dialog("_give.html"), methods=["GET"]),
    Route("/acts/give", give, methods=["POST"]),
    Route("/acts/note", _dialog("_remark.html"), methods=["GET"]),
    Route("/acts/note", note, methods=["POST"]),
    Route("/acts/undo", undo, methods=["POST"]),
]
