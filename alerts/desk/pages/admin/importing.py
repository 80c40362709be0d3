"""The import of a file of patients: first a report, then the same text again to admit them."""

from __future__ import annotations

from collections import Counter
from typing import Final

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from alerts.care.import_lines import OPTIONAL, REQUIRED, decoded
from alerts.care.import_patients import Reported, import_patients
from alerts.database import Tx
from alerts.desk.pages.admin.guard import administrator, change, write_down
from alerts.desk.pages.admin.patients import read_teams
from alerts.desk.web.context import Desk, text_of
from alerts.desk.web.session import Session
from alerts.errors import CareError, InvalidImportError


@administrator
async def page(request: Request, desk: Desk, session: Session) -> Response:
    """The form that takes a file."""
    return await _page(desk, session)


@administrator
async def template(request: Request, desk: Desk, session: Session) -> Response:
    """A file with the names of the columns alone."""
    headers = {"Content-Disposition": 'attachment; filename="patients.csv"'}
    return PlainTextResponse(",".join((*REQUIRED, *OPTIONAL)) + "\r\n", headers=headers, media_type="text/csv")


@administrator
async def upload(request: Request, desk: Desk, session: Session) -> Response:
    """Report what an import would do, or do it; the report names each bad line and admits the others."""
    form = await request.form()
    team, dry_run = text_of(form, "team", 10), form.get("act") != "import"
    file, typed = form.get("file"), form.get("text")
    text = typed if isinstance(typed, str) else ""

    def work(tx: Tx) -> list[Reported]:
        number = int(team) if team.isdecimal() and len(team) < 10 else None
        report = import_patients(tx, desk.master, text, team=number, by=session.person, dry_run=dry_run)
        for line in report:
            if line.outcome == "admitted":
                write_down(tx, session, "patient.admitted", f"patient:{line.patient}", imported=True)
        return report

    try:
        if isinstance(file, UploadFile) and not text:
            content = await file.read()
            await form.close()  # the file is temporary, on the disk
            text = decoded(content)
        if not text.strip():
            raise InvalidImportError("No file was chosen, or it is empty: choose one.")
        report = await (desk.write(work) if dry_run else change(desk, work))
    except CareError as error:
        return await _page(desk, session, team=team, problems={"file": str(error)}, status=422)
    return await _page(desk, session, team=team, text=text, report=report, dry_run=dry_run)


async def _page(
    desk: Desk,
    session: Session,
    *,
    team: str = "",
    text: str = "",
    report: list[Reported] | None = None,
    dry_run: bool = True,
    problems: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    return desk.page(
        "admin/import.html", status=status, session=session, teams=await read_teams(desk), team=team, text=text,
        report=report or [], counts=Counter(line.outcome for line in report or []), dry_run=dry_run,
        problems=problems or {}, done="", required=REQUIRED, optional=OPTIONAL,
    )  # fmt: skip


ROUTES: Final = [
    Route("/admin/patients/import", page, methods=["GET"]),
    Route("/admin/patients/import", upload, methods=["POST"]),
    Route("/admin/patients/import.csv", template, methods=["GET"]),
]
