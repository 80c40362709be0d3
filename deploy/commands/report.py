"""``vigil report``: what a programme did: days with readings, calls and answers, alarms that were false."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from deploy.acting import AsJson, transaction
from deploy.errors import DeployError
from deploy.printed import print_table

if TYPE_CHECKING:
    from alerts.reports.period import Period

app = typer.Typer(
    help="Days with readings, minutes of care, calls and answers, alarms that were false; as CSV or JSON.",
    no_args_is_help=True,
)
Team = Annotated[int | None, typer.Option(help="only this care team's", show_default=False)]
Since = Annotated[
    str | None, typer.Option("--from", help="first day, as 2026-11-01; else the last days", show_default=False)
]
Zone = Annotated[str, typer.Option(envvar="VIGIL_DESK_ZONE", help="days begin at midnight of this zone")]
AsCsv = Annotated[Path | None, typer.Option("--csv", help="write a CSV file", show_default=False)]


def register(to: typer.Typer) -> None:
    to.add_typer(app, name="report")


@app.command()
def adherence(
    days: Annotated[int, typer.Option(min=1, max=366)] = 30,
    since: Since = None,
    zone: Zone = "UTC",
    team: Team = None,
    to: AsCsv = None,
    as_json: AsJson = False,
) -> None:
    """Count the days with readings of each patient, the fewest first.

    For 30 days it names the United States' code of 2026 for the supply of devices: 99445 for 2 to 15 days, 99454 for 16 and
    more.  Confirm it at the source before you bill.

    Example: vigil report adherence --from 2026-11-01 --csv november.csv
    """
    from alerts.reports.adherence import adherence as measured

    with transaction() as (tx, master):
        found = measured(tx, master, _period(since, days, zone), team)
    _show(found, to, as_json=as_json, empty="Nobody was in care in these days.")


@app.command()
def care(
    month: Annotated[str | None, typer.Option(help="as 2026-11; else this month", show_default=False)] = None,
    zone: Zone = "UTC",
    team: Team = None,
    to: AsCsv = None,
    as_json: AsJson = False,
) -> None:
    """Sum the minutes of care of each patient in a calendar month, from what people did at the desk.

    It names the United States' codes of 2026: 99470 for 10 to 19 minutes, 99457 for the first 20, 99458 for each 20 more,
    where an outcome says that somebody talked with the patient.  Confirm them at the source before you bill.

    Example: vigil report care --month 2026-11 --csv november.csv
    """
    from alerts.reports.care_minutes import care_minutes
    from alerts.reports.period import Period

    today = _period(None, 1, zone)
    try:
        period = Period.of_month(month or f"{today.first:%Y-%m}", today.zone)
    except ValueError:
        raise DeployError(f"{month} is no month: write it as 2026-11.") from None
    with transaction() as (tx, master):
        found = care_minutes(tx, master, period, team)
    _show(found, to, as_json=as_json, empty="Nobody was in care in this month.")


@app.command()
def alarms(
    days: Annotated[int, typer.Option(min=1, max=366)] = 7,
    since: Since = None,
    zone: Zone = "UTC",
    team: Team = None,
    to: AsCsv = None,
    as_json: AsJson = False,
) -> None:
    """Show what alarms asked of people, by care team and rule: calls, minutes to the acknowledgement, false ones.

    Example: vigil report alarms --days 7 --team 1
    """
    from alerts.reports.burden import burden

    with transaction() as (tx, _):
        found = burden(tx, _period(since, days, zone), team)
    _show(found, to, as_json=as_json, empty="No alarm of a patient began in these days.")


@app.command()
def review(
    days: Annotated[int, typer.Option(min=1, max=366)] = 7,
    since: Since = None,
    zone: Zone = "UTC",
    team: Team = None,
    to: AsCsv = None,
    as_json: AsJson = False,
) -> None:
    """Show which limit of which patient made alarms that were false or shorter than 30 s: where to look first.

    Example: vigil report review --days 7
    """
    from alerts.reports.burden import false_alarms

    with transaction() as (tx, _):
        found = false_alarms(tx, _period(since, days, zone), team)
    _show(found, to, as_json=as_json, empty="No alarm of these days was false or shorter than 30 s.")


def _period(since: str | None, days: int, zone: str) -> Period:
    from alerts.reports.period import Period

    try:
        where = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise DeployError(f"{zone} is no time zone: write one as Europe/Berlin.") from None
    if since is None:
        return Period.until(datetime.now(UTC).astimezone(where).date(), days, where)
    try:
        return Period(date.fromisoformat(since), days, where)
    except ValueError:
        raise DeployError(f"{since} is no date: write it as 2026-11-01.") from None


def _show(records: Sequence[Mapping[str, Any]], to: Path | None, *, as_json: bool, empty: str) -> None:
    if to is None:
        print_table(records, as_json=as_json, empty=empty)
        return
    if not records:
        raise DeployError(f"{empty} No file was written.")
    from alerts.reports.csv_file import csv_text

    to.write_text(csv_text(records), encoding="utf-8", newline="")
    print(f"{len(records)} rows are in {to}.")
