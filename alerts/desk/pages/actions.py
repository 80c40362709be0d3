"""Acts of people on one alarm or on those of a line: acknowledge, outcome, shelve.  Each folds into locked rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, Final, cast

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from alerts.database import Tx, now_ms
from alerts.desk.errors import BadFormError, NotYoursError
from alerts.desk.web.access import check_may_act, visible_alarm, visible_alarms
from alerts.desk.web.context import Desk, Handler, signed_in, text_of
from alerts.desk.web.session import Session
from alerts.desk.web.templates import versions
from alerts.desk.worklist.words import OUTCOMES, devices_of, plain, span
from alerts.errors import ConflictError, RefusedError, UnknownAlarmError
from alerts.fold.fold import apply, press
from alerts.life.alarm import Alarm, Outcome
from alerts.life.events import Acknowledge, Act, RecordOutcome, Shelve, Unshelve
from alerts.life.timing import TIMINGS
from alerts.life.typed_number import whole_number

FALSE_REASONS: Final = ("Movement", "Sensor loose", "Wrong wearer", "Limit does not suit the patient", "Other: see the note")
SHELF_REASONS: Final = (
    "Care at the bedside", "Known artefact, being fixed", "Treatment given, waiting for effect", "Other: see the note",
)  # fmt: skip
_SHELF_MIN: Final = (5, 10, 30, 60, 120, 240, 480, 1440)
MOST_AT_ONCE: Final = 500
_TO_NOTICES: Final = {"HX-Retarget": "#notices", "HX-Reswap": "innerHTML"}
_CONFLICTS: Final = {
    "acknowledge": "Acknowledged",
    "outcome": "Closed with an outcome",
    "shelve": "Snoozed",
    "unshelve": "Snooze ended",
    "note": "Noted on",
    "worse": "It got worse",
    "onset": "It began again",
    "returned": "It came back without an outcome",
    "shelf_ended": "Its snooze ended",
}


def shelf_choices(alarm: Alarm) -> list[int]:
    """Three lengths in minutes that this alarm's priority allows, the longest among them."""
    longest = TIMINGS[alarm.priority].shelf_s // 60
    allowed = [m for m in _SHELF_MIN if m <= longest]
    return sorted({allowed[min(1, len(allowed) - 1)], allowed[len(allowed) // 2], allowed[-1]})


@signed_in
async def acknowledge(request: Request, desk: Desk, session: Session) -> Response:
    """Acknowledge one alarm; 409 with the person who was first."""
    alarm, version = await _alarm_and_version(request, desk, session)
    return await _act(desk, alarm, version, lambda at: Acknowledge(session.person, at))


@signed_in
async def outcome(request: Request, desk: Desk, session: Session) -> Response:
    """Record the outcome of the work on an alarm."""
    alarm, version = await _alarm_and_version(request, desk, session)
    form = await request.form()
    chosen, reason, note, problems = _outcome_of(form)
    if problems:
        return _form(desk, session, "_outcome.html", alarm, problems, 422)
    return await _act(
        desk, alarm, version, lambda at: RecordOutcome(session.person, at, cast("Outcome", chosen), reason, note)
    )


@signed_in
async def shelve(request: Request, desk: Desk, session: Session) -> Response:
    """Shelve an alarm: silence with a reason and an end; it also ends at once if the alarm gets worse."""
    alarm, version = await _alarm_and_version(request, desk, session)
    minutes, explanation, problems = shelf_of(await request.form(), shelf_choices(alarm))
    if problems:
        return _form(desk, session, "_shelve.html", alarm, problems, 422)
    return await _act(desk, alarm, version, lambda at: Shelve(session.person, at, at + minutes * 60_000, explanation))


@signed_in
async def unshelve(request: Request, desk: Desk, session: Session) -> Response:
    """End the shelf of an alarm now."""
    alarm, version = await _alarm_and_version(request, desk, session)
    return await _act(desk, alarm, version, lambda at: Unshelve(session.person, at))


@signed_in
async def acknowledge_line(request: Request, desk: Desk, session: Session) -> Response:
    """Acknowledge, in one press, exactly the alarms of a line that were on the screen."""
    seen, alarms = await seen_alarms(request, desk, session)
    return await press_on(desk, seen, alarms[0], lambda at: Acknowledge(session.person, at), "Acknowledged")


@signed_in
async def outcome_line(request: Request, desk: Desk, session: Session) -> Response:
    """Record one outcome for the work on the alarms of a line that were on the screen."""
    seen, alarms = await seen_alarms(request, desk, session)
    form = await request.form()
    chosen, reason, note, problems = _outcome_of(form)
    if problems:
        return _form(desk, session, "_outcome.html", alarms[0], problems, 422, **_many(request, alarms))
    return await press_on(
        desk, seen, alarms[0], lambda at: RecordOutcome(session.person, at, cast("Outcome", chosen), reason, note),
        "Outcome saved",
    )  # fmt: skip


@signed_in
async def outcome_line_form(request: Request, desk: Desk, session: Session) -> Response:
    """The form of :func:`outcome_line`."""
    _, alarms = await seen_alarms(request, desk, session)
    return _form(desk, session, "_outcome.html", alarms[0], **_many(request, alarms))


def _many(request: Request, alarms: Sequence[Alarm]) -> dict[str, Any]:
    patients = len({alarm.subject for alarm in alarms if alarm.subject_kind == "patient"})
    return {"post": request.url.path, "seen": versions(alarms), "others": len(alarms) - 1, "patients": patients}


async def seen_alarms(request: Request, desk: Desk, session: Session) -> tuple[dict[int, int], list[Alarm]]:
    """The alarms on the screen with their versions (the field "alarms": ``12:3 13:1``), if the person may act on them."""
    form = request.query_params if request.method == "GET" else await request.form()
    seen: dict[int, int] = {}
    for pair in str(form.get("alarms", ""))[:20_000].split()[:MOST_AT_ONCE]:
        number, version = (whole_number(part) for part in (f"{pair}:").split(":")[:2])
        if number is None or version is None:
            raise BadFormError({"alarms": "Update the list and try again."})
        seen[number] = version
    if not seen:
        raise BadFormError({"alarms": "Update the list and try again."})
    alarms = await visible_alarms(desk, session, list(seen))
    for alarm in alarms:
        check_may_act(session, alarm)
    return seen, alarms


async def press_on(
    desk: Desk, seen: dict[int, int], first: Alarm, act_at: Callable[[int], Act], did: str = "Done"
) -> Response:
    """One act on the alarms that were on the screen; ``did`` says what it was, beside the button that takes it back."""
    try:
        done = await desk.write(lambda tx: press(tx, seen, act_at(now_ms(tx))))
    except RefusedError as error:
        await desk.reader.refresh()
        return notice(desk, str(error))
    except UnknownAlarmError:
        raise NotYoursError from None
    await desk.reader.refresh()
    if done.conflict is None:
        return done_with(done.alarms, did)
    if not done.alarms:
        return _conflict(desk, done.conflict, first if len(seen) == 1 else None)
    changed = len(seen) - len(done.alarms)
    title = f"{len(done.alarms)} of {len(seen)} alarms taken; {changed} changed meanwhile."
    headers = {**_TO_NOTICES, "HX-Trigger": "vigil:done, vigil:changed"}
    return desk.page("_notice.html", headers=headers, title=title, text="Look at the patient again.", link=None)


def _outcome_of(form: FormData) -> tuple[str, str, str, dict[str, str]]:
    """Outcome, reason and note of a form, and its problems by field."""
    chosen, reason, note = text_of(form, "outcome"), text_of(form, "reason"), text_of(form, "note", 2000)
    problems = {}
    if chosen not in OUTCOMES:
        problems["outcome"] = "Choose what was done"
    if chosen == "false_alarm" and reason not in FALSE_REASONS:
        problems["reason"] = "Choose why it was false"
    return chosen, reason if chosen == "false_alarm" else "", note, problems


def shelf_of(form: FormData, lengths: Sequence[int]) -> tuple[int, str, dict[str, str]]:
    """Minutes and explanation of a form, of which ``lengths`` are offered, and its problems by field."""
    minutes, reason, note = text_of(form, "minutes"), text_of(form, "reason"), text_of(form, "note", 500)
    problems = {}
    if minutes not in {str(m) for m in lengths}:
        problems["minutes"] = "Choose for how long"
    if reason not in SHELF_REASONS:
        problems["reason"] = "Choose a reason"
    return 0 if problems else int(minutes), f"{reason}. {note}" if note else reason, problems


def _dialog(template: str) -> Handler:
    @signed_in
    async def dialog(request: Request, desk: Desk, session: Session) -> Response:
        alarm = await visible_alarm(desk, session, request.path_params["alarm"])
        check_may_act(session, alarm)
        return _form(desk, session, template, alarm)

    return dialog


async def _alarm_and_version(request: Request, desk: Desk, session: Session) -> tuple[Alarm, int]:
    """The alarm of a request, if the person may act on it, and the version they saw."""
    alarm = await visible_alarm(desk, session, request.path_params["alarm"])
    check_may_act(session, alarm)
    version = whole_number(text_of(await request.form(), "version", 20))
    if version is None:
        raise BadFormError({"version": "Update the list and try again."})
    return alarm, version


def _folded(alarm: int, version: int, act_at: Callable[[int], Act]) -> Callable[[Tx], Alarm]:
    return lambda tx: apply(tx, alarm, act_at(now_ms(tx)), expected_version=version)


async def _act(desk: Desk, alarm: Alarm, version: int, act_at: Callable[[int], Act]) -> Response:
    try:
        after = await desk.write(_folded(alarm.alarm, version, act_at))
    except ConflictError as error:
        await desk.reader.refresh()
        return _conflict(desk, error, alarm)
    except RefusedError as error:
        await desk.reader.refresh()
        return notice(desk, str(error))
    except UnknownAlarmError:
        raise NotYoursError from None
    await desk.reader.refresh()
    return done_with([after], "Done")


def done_with(alarms: Sequence[Alarm], did: str) -> Response:
    """The answer to an act that succeeded: the page says so and offers, for ten seconds, to take it back."""
    left = [alarm for alarm in alarms if alarm.life != "closed"]
    patients = {alarm.subject for alarm in alarms if alarm.subject_kind == "patient"}
    many = f"{len(patients)} patients, " if len(patients) > 1 else ""
    gone = f" {len(alarms) - len(left)} that were over left the list." if len(left) < len(alarms) else ""
    text = f"{did}: {many}{len(alarms)} alarm{'s' if len(alarms) != 1 else ''}.{gone}"
    undo = {"url": "/acts/undo", "values": {"alarms": versions(left)}, "text": text}
    trigger = json.dumps({"vigil:done": {}, "vigil:changed": {}} | ({"vigil:undo": undo} if left else {}))
    return Response("", headers={**_TO_NOTICES, "HX-Trigger": trigger}, media_type="text/html")


def notice(desk: Desk, title: str, text: str = "", link: str | None = None) -> Response:
    """The answer to an act that was not done, and why."""
    headers = {**_TO_NOTICES, "HX-Trigger": "vigil:done"}
    return desk.page("_notice.html", status=409, headers=headers, title=title, text=text, link=link)


def _conflict(desk: Desk, error: ConflictError, alarm: Alarm | None) -> Response:
    snapshot = desk.reader.snapshot
    person = snapshot.people.get(error.actor) if snapshot else None
    ago = span((snapshot.read_at if snapshot else 0) / 1000 - error.at.timestamp())
    by = f" by {person.name}" if person else ""
    text = "It is theirs now: nothing was changed." if person else "Look at it again: nothing was changed."
    link = None
    if alarm and alarm.subject_kind == "patient" and snapshot and alarm.subject in snapshot.patients:
        patient = snapshot.patients[alarm.subject]
        text += f" Alarm: {plain(alarm, devices_of(patient))}, {patient.name}."
        link = f"/patients/{alarm.subject}"
    return notice(desk, f"{_CONFLICTS.get(error.kind, 'Changed')}{by} {ago} ago.", text, link)


def _form(
    desk: Desk, session: Session, template: str, alarm: Alarm, problems: dict[str, str] | None = None, status: int = 200,
    *, post: object = "", seen: object = "", others: object = 0, patients: int = 0,
) -> Response:  # fmt: skip
    snapshot = desk.reader.snapshot
    patient = snapshot.patients.get(alarm.subject) if snapshot and alarm.subject_kind == "patient" else None
    return desk.page(
        template, status=status, alarm=alarm, patient=patient, problems=problems or {}, session=session,
        false_reasons=FALSE_REASONS, shelf_reasons=SHELF_REASONS, minutes=shelf_choices(alarm),
        post=post, seen=seen, others=others, patients=patients,
    )  # fmt: skip


ROUTES: Final = [
    Route("/alarms/{alarm:int}/acknowledge", acknowledge, methods=["POST"]),
    Route("/alarms/{alarm:int}/outcome", _dialog("_outcome.html"), methods=["GET"]),
    Route("/alarms/{alarm:int}/outcome", outcome, methods=["POST"]),
    Route("/alarms/{alarm:int}/pause", _dialog("_shelve.html"), methods=["GET"]),
    Route("/alarms/{alarm:int}/pause", shelve, methods=["POST"]),
    Route("/alarms/{alarm:int}/resume", unshelve, methods=["POST"]),
    Route("/lines/{key}/acknowledge", acknowledge_line, methods=["POST"]),
    Route("/lines/{key}/outcome", outcome_line_form, methods=["GET"]),
    Route("/lines/{key}/outcome", outcome_line, methods=["POST"]),
    Route("/acts/acknowledge", acknowledge_line, methods=["POST"]),
    Route("/acts/outcome", outcome_line_form, methods=["GET"]),
    Route("/acts/outcome", outcome_line, methods=["POST"]),
]
