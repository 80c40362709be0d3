"""What people do about alarms: acknowledge, record the outcome, pause.  Each folds over the locked row as it stands."""

from __future__ import annotations

from typing import Any, Final

from psycopg import Connection
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from alerts.database import now_ms
from alerts.desk.errors import BadFormError, NotYoursError
from alerts.desk.web.access import may_act, visible_alarm
from alerts.desk.web.context import Desk, signed_in, text_of
from alerts.desk.web.session import Session
from alerts.desk.worklist.words import devices_of, plain, span
from alerts.errors import ConflictError, RefusedError, UnknownAlarmError
from alerts.fold.fold import apply
from alerts.life.alarm import Alarm
from alerts.life.events import Acknowledge, Act, RecordOutcome, Shelve, Unshelve
from alerts.life.timing import TIMINGS

OUTCOMES: Final = ("called", "visit", "limits_adjusted", "false_alarm")
FALSE_REASONS: Final = ("Movement", "Sensor loose", "Wrong wearer", "Limit does not suit the patient", "Other: see the note")
PAUSE_REASONS: Final = (
    "Care at the bedside", "Known artefact, being fixed", "Treatment given, waiting for effect", "Other: see the note",
)  # fmt: skip
_PAUSES_MIN: Final = (5, 10, 30, 60, 120, 240, 480, 1440)
_MOST_AT_ONCE: Final = 500


def pause_choices(alarm: Alarm) -> list[int]:
    """Minutes that this alarm's priority allows, three of them: the longest among them."""
    longest = TIMINGS[alarm.priority].shelf_s // 60
    allowed = [m for m in _PAUSES_MIN if m <= longest]
    return sorted({allowed[min(1, len(allowed) - 1)], allowed[len(allowed) // 2], allowed[-1]})


@signed_in
async def acknowledge(request: Request, desk: Desk, session: Session) -> Response:
    """Take one alarm on; 409 with who was first."""
    alarm, version = await _named(request, desk, session)
    return await _act(desk, session, alarm, version, lambda at: Acknowledge(session.person, at))


@signed_in
async def outcome_form(request: Request, desk: Desk, session: Session) -> Response:
    alarm = await visible_alarm(desk, session, request.path_params["alarm"])
    return _form(desk, session, "_outcome.html", alarm)


@signed_in
async def outcome(request: Request, desk: Desk, session: Session) -> Response:
    """Record what was done."""
    alarm, version = await _named(request, desk, session)
    form = await request.form()
    chosen, reason, note = text_of(form, "outcome"), text_of(form, "reason"), text_of(form, "note", 2000)
    problems = {}
    if chosen not in OUTCOMES:
        problems["outcome"] = "Choose what was done"
    if chosen == "false_alarm" and reason not in FALSE_REASONS:
        problems["reason"] = "Choose why it was false"
    if problems:
        return _form(desk, session, "_outcome.html", alarm, problems, 422)
    why = reason if chosen == "false_alarm" else ""
    return await _act(
        desk, session, alarm, version,
        lambda at: RecordOutcome(session.person, at, chosen, why, note),  # type: ignore[arg-type]
    )  # fmt: skip


@signed_in
async def pause_form(request: Request, desk: Desk, session: Session) -> Response:
    alarm = await visible_alarm(desk, session, request.path_params["alarm"])
    return _form(desk, session, "_pause.html", alarm)


@signed_in
async def pause(request: Request, desk: Desk, session: Session) -> Response:
    """Silent for a while, with a reason; it ends by itself, or at once if it gets worse."""
    alarm, version = await _named(request, desk, session)
    form = await request.form()
    minutes, reason, note = text_of(form, "minutes"), text_of(form, "reason"), text_of(form, "note", 500)
    problems = {}
    if minutes not in {str(m) for m in pause_choices(alarm)}:
        problems["minutes"] = "Choose for how long"
    if reason not in PAUSE_REASONS:
        problems["reason"] = "A pause needs a reason"
    if problems:
        return _form(desk, session, "_pause.html", alarm, problems, 422)
    why = f"{reason}. {note}" if note else reason
    return await _act(desk, session, alarm, version, lambda at: Shelve(session.person, at, at + int(minutes) * 60_000, why))


@signed_in
async def resume(request: Request, desk: Desk, session: Session) -> Response:
    """End a pause now."""
    alarm, version = await _named(request, desk, session)
    return await _act(desk, session, alarm, version, lambda at: Unshelve(session.person, at))


@signed_in
async def acknowledge_line(request: Request, desk: Desk, session: Session) -> Response:
    """Take on every alarm of a line that stands for several: "alarms" is ``12:3 13:1``, id and version."""
    form, taken, first = await request.form(), 0, None
    for pair in text_of(form, "alarms", 20_000).split()[:_MOST_AT_ONCE]:
        number, _, version = pair.partition(":")
        if not (number.isdecimal() and version.isdecimal()):
            raise BadFormError({"alarms": "Update the list and try again."})
        alarm = await visible_alarm(desk, session, int(number))
        may_act(session, alarm)
        try:
            await desk.write(_work(int(number), int(version), lambda at: Acknowledge(session.person, at)))
            taken += 1
        except ConflictError as error:
            first = first or error
        except (RefusedError, UnknownAlarmError):
            continue  # it ended meanwhile
    await desk.reader.refresh()
    if first is not None and not taken:
        return _conflict(desk, first, None)
    return _done()


async def _named(request: Request, desk: Desk, session: Session) -> tuple[Alarm, int]:
    alarm = await visible_alarm(desk, session, request.path_params["alarm"])
    may_act(session, alarm)
    version = text_of(await request.form(), "version", 20)
    if not version.isdecimal():
        raise BadFormError({"version": "Update the list and try again."})
    return alarm, int(version)


def _work(alarm: int, version: int, event: Any) -> Any:
    def work(connection: Connection[Any]) -> Alarm:
        act: Act = event(now_ms(connection))
        return apply(connection, alarm, act, expected_version=version)

    return work


async def _act(desk: Desk, session: Session, alarm: Alarm, version: int, event: Any) -> Response:
    try:
        await desk.write(_work(alarm.alarm, version, event))
    except ConflictError as error:
        await desk.reader.refresh()
        return _conflict(desk, error, alarm)
    except RefusedError as error:
        await desk.reader.refresh()
        return desk.page("_notice.html", status=409, headers=_TO_NOTICES, title=str(error), text="", link=None)
    except UnknownAlarmError:
        raise NotYoursError from None
    await desk.reader.refresh()
    return _done()


_TO_NOTICES: Final = {"HX-Retarget": "#notices", "HX-Reswap": "innerHTML", "HX-Trigger": "vigil:done"}
_DID: Final = {
    "acknowledge": "Acknowledged",
    "outcome": "Closed with an outcome",
    "shelve": "Paused",
    "unshelve": "Taken off its pause",
    "note": "Noted on",
    "worse": "It got worse",
    "onset": "It began again",
    "returned": "It came back without an outcome",
    "shelf_ended": "Its pause ended",
}


def _done() -> Response:
    return Response("", headers={"HX-Trigger": "vigil:done, vigil:changed", **_to_notices_only()}, media_type="text/html")


def _to_notices_only() -> dict[str, str]:
    return {name: value for name, value in _TO_NOTICES.items() if name != "HX-Trigger"}


def _conflict(desk: Desk, error: ConflictError, alarm: Alarm | None) -> Response:
    snapshot = desk.reader.snapshot
    person = snapshot.people.get(error.actor) if snapshot else None
    ago = span((snapshot.read_at if snapshot else 0) / 1000 - error.at.timestamp())
    who = f" by {person.name}" if person else ""
    title = f"{_DID.get(error.kind, 'Changed')}{who} {ago} ago."
    whose, link = "", None
    if alarm and alarm.subject_kind == "patient" and snapshot and alarm.subject in snapshot.patients:
        patient = snapshot.patients[alarm.subject]
        whose, link = f" Alarm: {plain(alarm, devices_of(patient))}, {patient.name}.", f"/patients/{alarm.subject}"
    text = (
        "It is theirs; your press changed nothing." if person else "Look at it again; your press changed nothing."
    ) + whose
    return desk.page("_notice.html", status=409, headers=_TO_NOTICES, title=title, text=text, link=link)


def _form(
    desk: Desk, session: Session, template: str, alarm: Alarm, problems: dict[str, str] | None = None, status: int = 200
) -> Response:
    snapshot = desk.reader.snapshot
    patient = snapshot.patients.get(alarm.subject) if snapshot and alarm.subject_kind == "patient" else None
    return desk.page(
        template, status=status, alarm=alarm, patient=patient, problems=problems or {}, session=session,
        false_reasons=FALSE_REASONS, pause_reasons=PAUSE_REASONS, minutes=pause_choices(alarm),
    )  # fmt: skip


ROUTES: Final = [
    Route("/alarms/{alarm:int}/acknowledge", acknowledge, methods=["POST"]),
    Route("/alarms/{alarm:int}/outcome", outcome_form, methods=["GET"]),
    Route("/alarms/{alarm:int}/outcome", outcome, methods=["POST"]),
    Route("/alarms/{alarm:int}/pause", pause_form, methods=["GET"]),
    Route("/alarms/{alarm:int}/pause", pause, methods=["POST"]),
    Route("/alarms/{alarm:int}/resume", resume, methods=["POST"]),
    Route("/lines/{key}/acknowledge", acknowledge_line, methods=["POST"]),
]
