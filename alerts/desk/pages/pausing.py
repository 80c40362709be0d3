"""Patients who are away: paused whole, with a reason and an end, for one patient or for several; and watched again."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from alerts.care.pauses import AWAY, pause_patient, resume
from alerts.database import Tx, now
from alerts.desk.errors import BadFormError, NotAllowedError
from alerts.desk.web.access import check_patients
from alerts.desk.web.audit import record
from alerts.desk.web.context import Desk, signed_in, text_of
from alerts.desk.web.session import Session
from alerts.life.typed_number import whole_number
from alerts.rules.suppression import EVERY_RULE

DAYS: Final = (1, 3, 7, 14, 31)
_MOST: Final = 100


@signed_in
async def form(request: Request, desk: Desk, session: Session) -> Response:
    """The form: for how long, and why."""
    return _form(desk, session, await _patients(request, desk, session))


@signed_in
async def begin(request: Request, desk: Desk, session: Session) -> Response:
    """Pause these patients from now on."""
    patients = await _patients(request, desk, session)
    values = await request.form()
    days, reason, note = text_of(values, "days"), text_of(values, "reason"), text_of(values, "note", 500)
    problems = {}
    if days not in {str(d) for d in DAYS}:
        problems["days"] = "Choose for how long"
    if reason not in AWAY:
        problems["reason"] = "Choose a reason"
    if problems:
        return _form(desk, session, patients, problems)

    def work(tx: Tx) -> None:
        until = now(tx) + timedelta(days=int(days))
        for patient in patients:
            pause_patient(tx, patient, until, reason, note, session.person)

    await desk.write(work)
    many = f"{len(patients)} patients" if len(patients) > 1 else "The patient"
    undo = {"url": "/patients/back", "values": {"patients": " ".join(map(str, patients))}, "text": f"{many} paused."}
    await _audit(desk, session, patients, "patient.paused", days=int(days), reason=reason)
    return await _done(desk, {"vigil:undo": undo})


@signed_in
async def end(request: Request, desk: Desk, session: Session) -> Response:
    """Watch these patients again from now on."""
    patients = await _patients(request, desk, session)

    def work(tx: Tx) -> None:
        for patient in patients:
            resume(tx, patient, EVERY_RULE, session.person)

    await desk.write(work)
    await _audit(desk, session, patients, "patient.resumed")
    return await _done(desk, {})


async def _patients(request: Request, desk: Desk, session: Session) -> list[int]:
    """The patients of the field "patients": ``12 13``."""
    values = request.query_params if request.method == "GET" else await request.form()
    numbers = [whole_number(word) for word in str(values.get("patients", ""))[:2000].split()[:_MOST]]
    patients = [number for number in numbers if number]
    if not patients or len(patients) != len(numbers):
        raise BadFormError({"patients": "Update the list and try again."})
    async with desk.pool.connection() as connection:
        await check_patients(connection, session, patients)
    if session.role == "administrator":
        raise NotAllowedError("Administrators pause no patient: ask a nurse or clinician of the care team.")
    return patients


async def _audit(desk: Desk, session: Session, patients: list[int], action: str, **detail: object) -> None:
    async with desk.pool.connection() as connection:
        for patient in patients:
            await record(connection, session.person, action, f"patient:{patient}", **detail)


async def _done(desk: Desk, more: dict[str, object]) -> Response:
    await desk.reader.refresh(slow=True)
    trigger = json.dumps({"vigil:done": {}, "vigil:changed": {}, **more})
    headers = {"HX-Trigger": trigger, "HX-Retarget": "#notices", "HX-Reswap": "innerHTML"}
    return Response("", headers=headers, media_type="text/html")


def _form(desk: Desk, session: Session, patients: list[int], problems: dict[str, str] | None = None) -> Response:
    snapshot = desk.reader.snapshot
    known = snapshot.patients if snapshot else {}
    return desk.page(
        "_away.html", status=422 if problems else 200, session=session, problems=problems or {}, numbers=patients,
        names=[known[n].name for n in patients if n in known], reasons=AWAY, days=DAYS,
        away=[known[n].away for n in patients if n in known and known[n].away],
        people=snapshot.people if snapshot else {},
    )  # fmt: skip


ROUTES: Final = [
    Route("/patients/away", form, methods=["GET"]),
    Route("/patients/away", begin, methods=["POST"]),
    Route("/patients/back", end, methods=["POST"]),
]
