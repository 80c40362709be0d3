"""An administrator's people: who signs in, with role and care teams; a new one, a new password, an end and its undo."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Final, cast, get_args

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from alerts.care.people import Role, add_person, change_person, disable_person, enable_person, set_password
from alerts.care.registers import Record, people
from alerts.care.teams import join, leave
from alerts.database import Tx
from alerts.desk.errors import NotYoursError
from alerts.desk.pages.admin.guard import administrator, change, go_to, write_down
from alerts.desk.pages.admin.patients import read_teams
from alerts.desk.web.context import Desk, Handler, text_of
from alerts.desk.web.session import Session
from alerts.errors import CareError, InvalidPersonError

_ALPHABET: Final = "abcdefghjkmnpqrstuvwxyz23456789"  # no two look alike
_DONE: Final = {
    "changed": "Changed. This person signs in again.",
    "disabled": "This person can sign in no more, and their sessions have ended.",
    "enabled": "This person can sign in again.",
    "joined": "This person is a member, and sees the team's patients.",
    "left": "This person is no member any more.",
}
_NUMBER: Final = "SELECT person FROM person WHERE sign_in = %s"


def new_password() -> str:
    """A password of 16 characters, 79 bits, in groups that one can read out."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(4))


@administrator
async def page(request: Request, desk: Desk, session: Session) -> Response:
    """Everybody who signs in, and the form for another one."""
    return await _page(desk, session)


@administrator
async def add(request: Request, desk: Desk, session: Session) -> Response:
    """Add a person; their first password is shown this once."""
    form = await request.form()
    texts = {name: text_of(form, name, 201) for name in ("sign_in", "name", "role", "team")}
    password = new_password()

    def work(tx: Tx) -> None:
        number = add_person(tx, texts["sign_in"], texts["name"], cast("Role", texts["role"]), password)
        write_down(tx, session, "person.added", f"person:{number}", role=texts["role"])
        if texts["team"].isdecimal():
            join(tx, number, int(texts["team"][:9]))
            write_down(tx, session, "team.joined", f"person:{number}", team=int(texts["team"][:9]))

    try:
        await change(desk, work)
    except CareError as error:
        return await _page(desk, session, texts=texts, problems={"person": str(error)}, status=422)
    return await _one(desk, session, texts["sign_in"].strip().casefold(), password=password)


@administrator
async def one(request: Request, desk: Desk, session: Session) -> Response:
    """One person."""
    return await _one(desk, session, request.path_params["person"], done=request.query_params.get("done", ""))


@administrator
async def reset(request: Request, desk: Desk, session: Session) -> Response:
    """Give a person a new password, which is shown this once, and end their sessions."""
    password, sign_in = new_password(), request.path_params["person"]

    def work(tx: Tx) -> None:
        number = _number(tx, sign_in)
        set_password(tx, number, password)
        write_down(tx, session, "person.password", f"person:{number}")

    await change(desk, work)
    return await _one(desk, session, sign_in, password=password)


def _act(action: str, done: str, perform: Callable[[Tx, int, dict[str, str]], None], *, own: bool = True) -> Handler:
    """The route of one change; without ``own`` nobody does it to themselves, so that one administrator remains."""

    @administrator
    async def act(request: Request, desk: Desk, session: Session) -> Response:
        sign_in, form = request.path_params["person"], await request.form()
        texts = {name: text_of(form, name, 201) for name in ("name", "role", "team")}

        def work(tx: Tx) -> None:
            number = _number(tx, sign_in)
            if number == session.person and not (own or texts["role"] == session.role):
                raise InvalidPersonError("You cannot take your own access away: ask another administrator.")
            perform(tx, number, texts)
            write_down(tx, session, action, f"person:{number}", **{k: v for k, v in texts.items() if v and k != "name"})

        try:
            await change(desk, work)
        except CareError as error:
            return await _one(desk, session, sign_in, problems={"person": str(error)}, status=422)
        return go_to(f"/admin/people/{sign_in}?done={done}")

    return act


def _change(tx: Tx, number: int, texts: dict[str, str]) -> None:
    change_person(tx, number, name=texts["name"], role=cast("Role", texts["role"]))


def _team(texts: dict[str, str]) -> int:
    if not texts["team"].isdecimal() or len(texts["team"]) > 9:
        raise InvalidPersonError("No care team was chosen: choose one.")
    return int(texts["team"])


def _leave(tx: Tx, number: int, texts: dict[str, str]) -> None:
    leave(tx, number, _team(texts))


def _join(tx: Tx, number: int, texts: dict[str, str]) -> None:
    join(tx, number, _team(texts))


def _disable(tx: Tx, number: int, _: dict[str, str]) -> None:
    disable_person(tx, number)


def _enable(tx: Tx, number: int, _: dict[str, str]) -> None:
    enable_person(tx, number)


def _number(tx: Tx, sign_in: str) -> int:
    row = tx.execute(_NUMBER, [sign_in]).fetchone()
    if row is None:
        raise NotYoursError
    return int(row[0])


async def _page(
    desk: Desk,
    session: Session,
    *,
    texts: dict[str, str] | None = None,
    problems: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    return desk.page(
        "admin/people.html", status=status, session=session, people=await desk.write(people), roles=get_args(Role),
        teams=await read_teams(desk), texts=texts or {}, problems=problems or {}, done="",
    )  # fmt: skip


async def _one(
    desk: Desk,
    session: Session,
    sign_in: str,
    *,
    password: str = "",
    done: str = "",
    problems: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    def work(tx: Tx) -> Record:
        (found,) = people(tx, _number(tx, sign_in))
        return found

    return desk.page(
        "admin/person.html", status=status, session=session, one=await desk.write(work), roles=get_args(Role),
        teams=await read_teams(desk), password=password, problems=problems or {}, done=_DONE.get(done, ""),
        undo=done == "disabled",
    )  # fmt: skip


_ONE: Final = "/admin/people/{person}"
ROUTES: Final = [
    Route("/admin/people", page, methods=["GET"]),
    Route("/admin/people", add, methods=["POST"]),
    Route(_ONE, one, methods=["GET"]),
    Route(_ONE, _act("person.changed", "changed", _change, own=False), methods=["POST"]),
    Route(f"{_ONE}/password", reset, methods=["POST"]),
    Route(f"{_ONE}/disable", _act("person.disabled", "disabled", _disable, own=False), methods=["POST"]),
    Route(f"{_ONE}/enable", _act("person.enabled", "enabled", _enable), methods=["POST"]),
    Route(f"{_ONE}/join", _act("team.joined", "joined", _join), methods=["POST"]),
    Route(f"{_ONE}/leave", _act("team.left", "left", _leave), methods=["POST"]),
]
