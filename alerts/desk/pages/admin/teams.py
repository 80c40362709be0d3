"""An administrator's care teams: members, channels, and a new team."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from alerts.care.channels import LOG, registered_channels
from alerts.care.registers import Record, teams
from alerts.care.teams import add_team, set_channels, set_phone
from alerts.database import Tx
from alerts.desk.pages.admin.guard import administrator, change, go_to, write_down
from alerts.desk.web.access import existing
from alerts.desk.web.context import Desk, text_of
from alerts.desk.web.session import Session
from alerts.errors import CareError, InvalidTeamError

_DONE: Final = {
    "added": "The care team is there. Its members are chosen at each person.",
    "channels": "Changed.",
    "phone": "Saved.",
}


@administrator
async def page(request: Request, desk: Desk, session: Session) -> Response:
    """Every care team, with the form for another one."""
    return await _page(desk, session, done=_DONE.get(request.query_params.get("done", ""), ""))


@administrator
async def add(request: Request, desk: Desk, session: Session) -> Response:
    """Add a care team, which every channel of the notifier notifies."""
    name = text_of(await request.form(), "name", 201)

    def work(tx: Tx) -> None:
        if any(team["name"].casefold() == name.casefold() for team in teams(tx)):
            raise InvalidTeamError(f"A care team is called {name} already: choose another name.")
        number = add_team(tx, name)
        write_down(tx, session, "team.added", f"team:{number}")

    try:
        await change(desk, work)
    except CareError as error:
        return await _page(desk, session, name=name, problems={"name": str(error)}, status=422)
    return go_to("/admin/teams?done=added")


@administrator
async def channels(request: Request, desk: Desk, session: Session) -> Response:
    """Choose the channels that notify a team; none chosen: every channel of the notifier."""
    number, form = request.path_params["team"], await request.form()
    chosen = [value for value in form.getlist("channel") if isinstance(value, str)]

    def work(tx: Tx) -> None:
        if not set(chosen) <= {*registered_channels(tx), LOG}:
            raise InvalidTeamError("The notifier has no such channel any more: choose again.")
        set_channels(tx, number, chosen)
        write_down(tx, session, "team.channels", f"team:{number}", channels=chosen)

    try:
        await existing(change(desk, work))
    except CareError as error:
        return await _page(desk, session, problems={"channel": str(error)}, status=422)
    return go_to("/admin/teams?done=channels")


@administrator
async def phone(request: Request, desk: Desk, session: Session) -> Response:
    """Set the telephone number that patients call."""
    number, given = request.path_params["team"], text_of(await request.form(), "phone", 60)

    def work(tx: Tx) -> None:
        set_phone(tx, number, given)
        write_down(tx, session, "team.phone", f"team:{number}")

    try:
        await existing(change(desk, work))
    except CareError as error:
        return await _page(desk, session, problems={"phone": str(error)}, status=422)
    return go_to("/admin/teams?done=phone")


async def _page(
    desk: Desk,
    session: Session,
    *,
    name: str = "",
    done: str = "",
    problems: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    def work(tx: Tx) -> tuple[list[Record], list[str]]:
        return teams(tx), [*registered_channels(tx), LOG]

    found, there = await desk.write(work)
    return desk.page(
        "admin/teams.html", status=status, session=session, found=found, channels=there, name=name, done=done,
        problems=problems or {},
    )  # fmt: skip


ROUTES: Final = [
    Route("/admin/teams", page, methods=["GET"]),
    Route("/admin/teams", add, methods=["POST"]),
    Route("/admin/teams/{team:int}/phone", phone, methods=["POST"]),
    Route("/admin/teams/{team:int}/channels", channels, methods=["POST"]),
]
