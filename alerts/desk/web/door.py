"""Signing in and out."""

from __future__ import annotations

import asyncio
import hmac
import re
import secrets
import time
from typing import Final

import structlog
from anyio import CapacityLimiter
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from alerts.care.people import person_with
from alerts.desk.errors import NotAllowedError, TooManyTriesError
from alerts.desk.web.audit import record
from alerts.desk.web.context import Desk, desk_of, signed_in
from alerts.desk.web.session import Session, end_session, find_session, give_cookie, open_session
from alerts.desk.web.throttle import Slowdown

_DOOR: Final = "vigil-door"
_WRONG: Final = "User name or password is wrong: check both and try again."
_NOTES: Final = {"ended": "You were signed out because this desk was not used.", "out": "You are signed out."}
_GOAL: Final = re.compile(r"/(alarms|patients)/[0-9]{1,18}")
_log = structlog.get_logger("alerts.desk.web.door")


class Door:
    """The sign-in routes, with the recent wrong tries: of an account from an address, of an account, of an address.

    Wrong tries slow the next ones down; they never keep out the right password, and right ones count against nobody.
    """

    def __init__(self, tries: int) -> None:
        self._pairs = Slowdown(tries, waiting=2)
        self._accounts = Slowdown(4 * tries, waiting=20, longest_s=4)
        self._addresses = Slowdown(4 * tries, waiting=20, longest_s=4)
        self._limiter = CapacityLimiter(2)  # argon2 takes 64 MB each time
        self.routes = [
            Route("/sign-in", self.show, methods=["GET"]),
            Route("/sign-in", self.enter, methods=["POST"]),
            Route("/sign-out", leave, methods=["POST"]),
            Route("/session/touch", touch, methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        return _page(
            request, note=_NOTES.get(request.query_params.get("why", ""), ""), goal=request.query_params.get("next", "")
        )

    async def enter(self, request: Request) -> Response:
        """Open a session for the right password; 429 if too many tries wait already."""
        desk, form = desk_of(request), await request.form()
        given, expected = _text(form, "door"), request.cookies.get(_DOOR, "")
        if not expected or not hmac.compare_digest(given.encode(), expected.encode()):
            raise NotAllowedError
        name, goal = _text(form, "username").strip()[:100].lower(), _text(form, "next")[:100]
        password = _text(form, "password")
        address = request.client.host if request.client else "unknown"
        try:
            person = await self._check(desk, address, name, password)
        except TooManyTriesError as error:
            desk.metrics.sign_ins.labels("limited").inc()
            return _page(
                request, status=429, wrong=str(error), name=name, goal=goal, headers={"Retry-After": str(error.retry_s)}
            )
        async with desk.pool.connection() as connection:
            if person is None:
                await record(connection, 0, "sign_in.refused")
                desk.metrics.sign_ins.labels("refused").inc()
                return _page(request, status=401, wrong=_WRONG, name=name, goal=goal)
            token = await open_session(connection, person, desk.settings)
            await record(connection, person, "sign_in")
        desk.metrics.sign_ins.labels("accepted").inc()
        _log.info("signed in", person=person)
        response = RedirectResponse(_own(goal), 303)
        give_cookie(response, desk.settings.cookie, token, desk.settings, desk.settings.absolute_s)
        response.delete_cookie(_DOOR, path="/")
        return response

    async def _check(self, desk: Desk, address: str, name: str, password: str) -> int | None:
        pair = f"{name}\n{address}"
        begun: list[tuple[Slowdown, str, float]] = []
        wrong = False
        try:
            for slowdown, key in ((self._pairs, pair), (self._accounts, name), (self._addresses, address)):
                begun.append((slowdown, key, slowdown.begin(key, time.monotonic())))
            await asyncio.sleep(max(wait_s for _, _, wait_s in begun))
            found = await desk.write(lambda tx: person_with(tx, name, password), limiter=self._limiter)
            wrong = found is None
        finally:
            for slowdown, key, wait_s in begun:
                slowdown.end(key, time.monotonic(), wrong=wrong, waited=wait_s > 0)
        if found is None:
            return None
        self._pairs.forget(pair)
        return found.person


def _text(form: FormData, field: str) -> str:
    value = form.get(field)
    return value if isinstance(value, str) else ""


def _own(goal: str) -> str:
    """The page that somebody wanted before they signed in, if it is one of a patient or an alarm here; else the worklist."""
    return goal if _GOAL.fullmatch(goal) else "/"


def _page(request: Request, *, status: int = 200, headers: dict[str, str] | None = None, **texts: str) -> Response:
    desk = desk_of(request)
    token = request.cookies.get(_DOOR) or secrets.token_urlsafe(24)
    shown = desk.settings.demo_sign_ins if desk.settings.demo else ()
    values = {"note": "", "wrong": "", "name": "", **texts, "goal": _own(texts.get("goal", ""))}
    response = desk.page("sign_in.html", status=status, headers=headers, door=token, demo=shown, **values)
    give_cookie(response, _DOOR, token, desk.settings, 3600)
    return response


@signed_in
async def leave(request: Request, desk: Desk, session: Session) -> Response:
    async with desk.pool.connection() as connection:
        await end_session(connection, session.hash)
        await record(connection, session.person, "sign_out")
    response = RedirectResponse("/sign-in?why=out", 303)
    response.delete_cookie(desk.settings.cookie, path="/")
    return response


async def touch(request: Request) -> Response:
    """Count a person's activity on a page as use of the session."""
    desk = desk_of(request)
    async with desk.pool.connection() as connection:
        await find_session(connection, request.cookies.get(desk.settings.cookie), desk.settings, touch=True)
    return Response(status_code=204)
