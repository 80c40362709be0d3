"""One patient: the page, its parts, and the series of its charts."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from alerts.care.calls import calls_of
from alerts.care.observations import observe as by_hand
from alerts.database import Tx
from alerts.desk.errors import NotAllowedError, NotYoursError
from alerts.desk.pages.actions import FALSE_REASONS
from alerts.desk.pages.limits.limits import read_editor
from alerts.desk.pages.patient.export import csv_of
from alerts.desk.pages.patient.facts import CONSCIOUSNESS, Entered, is_waiting, problems_of, read_entered, store
from alerts.desk.pages.patient.observe import FIELDS, Observed, counts_already, read_observed, values_of
from alerts.desk.pages.patient.series import bands_of, read_series
from alerts.desk.pages.patient.table import read_table
from alerts.desk.pages.patient.timeline import read_timeline
from alerts.desk.pages.patient.window import RANGES, USUAL_H, Window
from alerts.desk.pages.worklist import newest
from alerts.desk.web.access import check_patient
from alerts.desk.web.audit import record
from alerts.desk.web.context import Desk, shown_now, signed_in, text_of
from alerts.desk.web.session import Session
from alerts.desk.worklist.lines import Line, counts
from alerts.desk.worklist.news2_panel import panel
from alerts.desk.worklist.snapshot import Patient, Snapshot
from alerts.desk.worklist.words import devices_of, local
from alerts.errors import InvalidObservationError

_CHARTS: Final = (("hr", "Heart rate", "/min"), ("spo2", "SpO₂", "%"), ("rr", "Respiration", "/min"),
                  ("bp", "Blood pressure", "mmHg"), ("temp", "Temperature", "°C"))  # fmt: skip


async def _found(desk: Desk, session: Session, number: int) -> tuple[Snapshot, Patient, Line]:
    async with desk.pool.connection() as connection:
        await check_patient(connection, session, number)
    snapshot = await newest(desk)
    if number not in snapshot.patients:  # admitted since the last read, or discharged
        snapshot = await desk.reader.refresh(slow=True) or snapshot
    line = next((line for line in desk.reader.view(session.teams) if line.key == f"p{number}"), None)
    if line is None or number not in snapshot.patients:
        raise NotYoursError
    return snapshot, snapshot.patients[number], line


def _shown(
    desk: Desk, session: Session, snapshot: Snapshot, patient: Patient, line: Line, entered: dict[str, Entered],
    observed: list[Observed],
) -> dict[str, Any]:  # fmt: skip
    score, response, inputs = panel(snapshot, patient)
    shared = [other for other in desk.reader.view(session.teams) if other.cause and patient in other.patients]
    return {
        **shown_now(desk, session, snapshot),
        "patient": patient,
        "devices": devices_of(patient),
        "line": line,
        "alarms": line.alarms,
        "shared": shared,
        "score": score,
        "response": response,
        "inputs": inputs,
        "bands": bands_of(patient),
        "charts": _CHARTS,
        "false_reasons": FALSE_REASONS,
        "problems": {},
        "entered": entered,
        "waiting": is_waiting(entered, patient) or not counts_already(snapshot, patient.patient, observed),
        "observed": observed,
        "authors": {one.at: one.by for one in observed},
        "FIELDS": FIELDS,
        "texts": {},
        "levels": CONSCIOUSNESS,
    }


@signed_in
async def page(request: Request, desk: Desk, session: Session) -> Response:
    """The whole page; the read is audited."""
    number = request.path_params["patient"]
    snapshot, patient, line = await _found(desk, session, number)
    async with desk.pool.connection() as connection:
        await record(connection, session.person, "patient.read", f"patient:{number}")
        editor = await read_editor(connection, number)
        moments = await read_timeline(connection, snapshot, patient)
        window = Window.of_hours(USUAL_H, snapshot.read_at / 1000)
        table = await read_table(connection, patient, window)
        entered, observed = await read_entered(connection, number), await read_observed(connection, number)
    calls = await desk.write(lambda tx: calls_of(tx, number))
    return desk.page(
        "patient.html", editor=editor, moments=moments, calls=calls, table=table, window=window, hours=USUAL_H,
        RANGES=RANGES, number=number, saved=False, counts=counts(desk.reader.view(session.teams), session.person),
        **_shown(desk, session, snapshot, patient, line, entered, observed),
    )  # fmt: skip


@signed_in
async def part(request: Request, desk: Desk, session: Session) -> Response:
    """One part of the page: alarms, work, news, observed, calls, timeline or table."""
    number, name = request.path_params["patient"], request.path_params["part"]
    snapshot, patient, line = await _found(desk, session, number)
    if name in ("alarms", "work"):
        return desk.page(f"_{name}.html", **_shown(desk, session, snapshot, patient, line, {}, []))
    if name == "calls":
        return desk.page("_calls.html", calls=await desk.write(lambda tx: calls_of(tx, number)))
    async with desk.pool.connection() as connection:
        known = name in ("news", "observed")
        entered = await read_entered(connection, number) if known else {}
        observed = await read_observed(connection, number) if known else []
        shown = _shown(desk, session, snapshot, patient, line, entered, observed)
        if known:
            return desk.page(f"_{name}.html", **shown)
        if name == "timeline":
            return desk.page("_timeline.html", moments=await read_timeline(connection, snapshot, patient), **shown)
        if name == "table":
            window = Window.asked(request.query_params, snapshot.read_at / 1000)
            return desk.page("_table.html", table=await read_table(connection, patient, window), window=window, **shown)
    raise NotYoursError


@signed_in
async def observe(request: Request, desk: Desk, session: Session) -> Response:
    """Store what was measured by hand, oxygen and consciousness; answers with the card of observations."""
    number = request.path_params["patient"]
    snapshot, patient, line = await _found(desk, session, number)
    if session.role == "administrator":
        raise NotAllowedError("Administrators enter no observations: ask a nurse or clinician of the care team.")
    form = await request.form()
    values, problems = values_of(form)
    oxygen, consciousness = text_of(form, "oxygen"), text_of(form, "consciousness")
    problems |= problems_of(oxygen, consciousness)

    def work(tx: Tx) -> None:
        if values:
            by_hand(tx, number, values, session.person)
        store(tx, number, oxygen, consciousness, session.person)

    if not problems:
        try:
            await desk.write(work)
        except InvalidObservationError as error:
            problems = error.problems
    async with desk.pool.connection() as connection:
        if not problems:
            if values:
                await record(connection, session.person, "observation.made", f"patient:{number}", vitals=sorted(values))
            await record(connection, session.person, "facts.changed", f"patient:{number}")
        entered, observed = await read_entered(connection, number), await read_observed(connection, number)
    shown = _shown(desk, session, snapshot, patient, line, entered, observed) | {"problems": problems}
    texts = {column: text_of(form, column, 20) for column, *_ in FIELDS} if problems else {}
    return desk.page("_observe.html", status=422 if problems else 200, **(shown | {"texts": texts}))


@signed_in
async def series(request: Request, desk: Desk, session: Session) -> Response:
    """The series of the charts, as JSON."""
    snapshot, patient, _ = await _found(desk, session, request.path_params["patient"])
    async with desk.pool.connection() as connection:
        window = Window.asked(request.query_params, snapshot.read_at / 1000)
        found = await read_series(connection, snapshot, patient, window)
    return Response(msgspec.json.encode(found), media_type="application/json")


@signed_in
async def export(request: Request, desk: Desk, session: Session) -> Response:
    """The values that the charts show, as a CSV file; the export is audited, and the file's name holds no patient's."""
    number = request.path_params["patient"]
    snapshot, patient, _ = await _found(desk, session, number)
    window = Window.asked(request.query_params, snapshot.read_at / 1000)
    async with desk.pool.connection() as connection:
        await record(connection, session.person, "patient.export", f"patient:{number}", seconds=int(window.seconds))
        found = await read_series(connection, snapshot, patient, window)
    end = local(int(window.end * 1000), desk.settings.zone)
    headers = {"Content-Disposition": f'attachment; filename="readings-{end:%Y-%m-%d-%H%M}.csv"'}
    return Response(csv_of(found, desk.settings.zone), media_type="text/csv", headers=headers)


ROUTES: Final = [
    Route("/patients/{patient:int}", page, methods=["GET"]),
    Route("/patients/{patient:int}/observe", observe, methods=["POST"]),
    Route("/patients/{patient:int}/series", series, methods=["GET"]),
    Route("/patients/{patient:int}/readings.csv", export, methods=["GET"]),
    Route("/patients/{patient:int}/part/{part}", part, methods=["GET"]),
]
