"""The manager's reports as pages, to read, to print, and as CSV: adherence, care, alarms, the review of limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from alerts.database import Tx
from alerts.desk.errors import NotYoursError
from alerts.desk.pages.admin.guard import administrator, write_down
from alerts.desk.pages.admin.patients import read_teams
from alerts.desk.web.context import Desk
from alerts.desk.web.session import Session
from alerts.errors import CareError
from alerts.life.typed_number import whole_number
from alerts.reports.adherence import adherence
from alerts.reports.burden import burden, false_alarms
from alerts.reports.care_minutes import care_minutes
from alerts.reports.csv_file import csv_text
from alerts.reports.period import Period

Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Report:
    """``days``: how many it usually covers, 0 a calendar month; ``hint``: what stands in it, and what does not."""

    title: str
    days: int
    read: Callable[[Tx, bytes, Period, int | None], Rows]
    hint: str


_CONFIRM: Final = "Codes of the United States for 2026: confirm them at the source before you bill."
_CARE: Final = (
    "A lower bound: time between acts at the desk, five minutes at most for each; a telephone call counts while its"
    " outcome is open. 99470 (10–19 min), 99457 (first 20), 99458 (each 20 more), only with a talk."
)


def _burden(tx: Tx, _: bytes, period: Period, team: int | None) -> Rows:
    return burden(tx, period, team)


def _false_alarms(tx: Tx, _: bytes, period: Period, team: int | None) -> Rows:
    return false_alarms(tx, period, team)


REPORTS: Final[Mapping[str, Report]] = {
    "adherence": Report(
        "Days with readings",
        30,
        adherence,
        f"The fewest days first. For 30 days: 99445 (2–15 days), 99454 (16 and more). {_CONFIRM}",
    ),
    "care": Report("Minutes of care", 0, care_minutes, f"{_CARE} {_CONFIRM}"),
    "alarms": Report(
        "Alarms and answers",
        7,
        _burden,
        "By care team and rule: calls, minutes to the acknowledgement, outcomes that say it was false.",
    ),
    "review": Report(
        "Alarm review",
        7,
        _false_alarms,
        "Which limit of which patient made alarms that were false or shorter than 30 s: where to look first.",
    ),
}


@administrator
async def page(request: Request, desk: Desk, session: Session) -> Response:
    """A report of a period and team; the read is audited."""
    name, report = _report(request)
    period, team, problem = _asked(request.query_params, report, desk)
    rows = await _read(desk, session, name, period, team)
    return desk.page(
        "admin/reports.html", session=session, reports=REPORTS, name=name, report=report, rows=rows, period=period,
        team=team, teams=await read_teams(desk), problems={"period": problem} if problem else {}, done="",
        query=request.url.query,
    )  # fmt: skip


@administrator
async def file(request: Request, desk: Desk, session: Session) -> Response:
    """The same as a CSV file."""
    name, report = _report(request)
    period, team, _ = _asked(request.query_params, report, desk)
    rows = await _read(desk, session, name, period, team, csv=True)
    headers = {"Content-Disposition": f'attachment; filename="{name}-{period.first}.csv"'}
    return Response(csv_text(rows), media_type="text/csv", headers=headers)


def _report(request: Request) -> tuple[str, Report]:
    name = request.path_params.get("report", "adherence")
    if name not in REPORTS:
        raise NotYoursError
    return name, REPORTS[name]


def _asked(query: QueryParams, report: Report, desk: Desk) -> tuple[Period, int | None, str]:
    """The period and team of a request; what cannot be meant is the usual period, and a sentence."""
    zone, team = desk.settings.zone, whole_number(query.get("team", ""))
    today = datetime.now(UTC).astimezone(zone).date()
    usual = Period.of_month(f"{today:%Y-%m}", zone) if not report.days else Period.until(today, report.days, zone)
    first, days, month = query.get("from", ""), whole_number(query.get("days", "")), query.get("month", "")
    try:
        if not report.days:
            return Period.of_month(month, zone) if month else usual, team, ""
        length = days or report.days
        return Period(date.fromisoformat(first), length, zone) if first else Period.until(today, length, zone), team, ""
    except (ValueError, CareError) as error:
        return usual, team, str(error) if isinstance(error, CareError) else "This is no date: write it as 2026-11-01."


async def _read(desk: Desk, session: Session, name: str, period: Period, team: int | None, *, csv: bool = False) -> Rows:
    def work(tx: Tx) -> Rows:
        write_down(tx, session, "report.read", name, first=str(period.first), days=period.days, team=team, csv=csv)
        return REPORTS[name].read(tx, desk.master, period, team)

    return await desk.write(work)


ROUTES: Final = [
    Route("/admin/reports", page, methods=["GET"]),
    Route("/admin/reports/{report}.csv", file, methods=["GET"]),
    Route("/admin/reports/{report}", page, methods=["GET"]),
]
