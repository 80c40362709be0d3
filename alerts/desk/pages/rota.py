"""The people on duty in the care teams of the person who asks: now and next, the order of calls, and the holes to come."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from alerts.care.channels import team_channels
from alerts.care.reach import TeamReach, reach_of
from alerts.database import Tx, now
from alerts.desk.web.context import Desk, signed_in
from alerts.desk.web.session import Session
from alerts.rota.errors import RotaFileError
from alerts.rota.policy import TEAM
from alerts.rota.rota import LOOK_AHEAD, now_and_next
from streams.engine.condition import Priority

_MOST_HOLES: Final = 20


@dataclass(frozen=True, slots=True)
class LayerShown:
    name: str
    now: str
    until: str
    after: str
    problem: str


@dataclass(frozen=True, slots=True)
class TeamShown:
    """``problem``: why the team's rota is not shown; ``steps``: lines of the policy; ``holes``: those to come."""

    name: str
    problem: str = ""
    zone: str = ""
    layers: tuple[LayerShown, ...] = ()
    steps: tuple[tuple[str, tuple[str, ...]], ...] = ()
    holes: tuple[str, ...] = ()


@signed_in
async def page(request: Request, desk: Desk, session: Session) -> Response:
    """The rotas of the person's teams."""
    found = await desk.write(lambda tx: read_rotas(tx, session.teams))
    return desk.page("rota.html", session=session, found=found)


def read_rotas(tx: Tx, teams: Iterable[int]) -> list[TeamShown]:
    """The rotas of these teams, one by one: a damaged one is named and keeps no other from being shown."""
    at, wanted = now(tx), set(teams)
    return [_team(tx, one.team, one.name, at) for one in team_channels(tx) if one.team in wanted]


def _team(tx: Tx, team: int, name: str, at: datetime) -> TeamShown:
    try:
        book = reach_of(tx, team)
    except RotaFileError as error:
        return TeamShown(name, f"The rota cannot be read (line {error.faults[0].line}): alarms call the whole team.")
    if book is None:
        return TeamShown(name, "This team has no rota: its alarms call the whole team.")
    holes = book.holes(at, at + LOOK_AHEAD)
    return TeamShown(
        name,
        zone=book.rota.zone.key,
        layers=tuple(_layer(book, layer, at) for layer in book.rota.names),
        steps=tuple(
            (priority.word, tuple(_step(book, step.call, step.wait_min) for step in book.rota.policy.of(priority)))
            for priority in (Priority.HIGH, Priority.MEDIUM)
        ),
        holes=tuple(
            f"{one.layer}: {_when(book, one.since, at)} to {_when(book, one.until, at)}, {one.reason}"
            for one in holes[:_MOST_HOLES]
        ),
    )


def _layer(book: TeamReach, layer: str, at: datetime) -> LayerShown:
    duty, after = now_and_next(book.rota, layer, at)
    then = f"{_name(book, after.person)} from {_when(book, after.since, at)}" if after else ""
    return LayerShown(
        layer, _name(book, duty.person), _when(book, duty.until, at) if after else "", then, book.hole(layer, at) or ""
    )


def _step(book: TeamReach, call: tuple[str, ...], wait_min: int) -> str:
    who = " and ".join(
        "the whole team" if one == TEAM else one if one in book.rota.names else _name(book, one) for one in call
    )
    return f"{who}, for {wait_min} min"


def _name(book: TeamReach, sign_in: str | None) -> str:
    if sign_in is None:
        return "Nobody"
    callee = book.people.get(sign_in)
    return callee.name if callee else sign_in


def _when(book: TeamReach, moment: datetime, at: datetime) -> str:
    local = moment.astimezone(book.rota.zone)
    near = moment - at < timedelta(hours=20) and local.date() == at.astimezone(book.rota.zone).date()
    return f"{local:%H:%M}" if near else f"{local:%a %d %b %H:%M}"


ROUTES: Final = [Route("/rota", page, methods=["GET"])]
