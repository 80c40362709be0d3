"""The application's shared parts, and the guard of its routes."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar, cast

import psycopg
from anyio import CapacityLimiter, to_thread
from jinja2 import Environment
from psycopg import AsyncConnection, Connection
from psycopg_pool import AsyncConnectionPool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from alerts.control.path_watch import PathWatch
from alerts.desk.errors import BadFormError, NotSignedInError
from alerts.desk.metrics import Metrics
from alerts.desk.settings import DeskSettings
from alerts.desk.web.session import BACKGROUND, Session, check_form, find_session
from alerts.desk.worklist.reader import Reader
from alerts.desk.worklist.snapshot import Snapshot
from alerts.life.text import is_storable
from devices.database_session import session_options

T = TypeVar("T")
Handler = Callable[[Request], Awaitable[Response]]
Guarded = Callable[[Request, "Desk", Session], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Desk:
    """The shared parts of one application."""

    settings: DeskSettings
    master: bytes
    pool: AsyncConnectionPool[AsyncConnection[Any]]
    reader: Reader
    pages: Environment
    metrics: Metrics
    path: PathWatch

    def page(self, template: str, *, status: int = 200, headers: dict[str, str] | None = None, **values: object) -> Response:
        """A rendered template."""
        return HTMLResponse(self.pages.get_template(template).render(status=status, **values), status, headers)

    async def write(self, work: Callable[[Connection[Any]], T], limiter: CapacityLimiter | None = None) -> T:
        """Run ``work`` in a transaction of its own, in a thread; its errors roll back and are raised here."""

        def run() -> T:
            bounds: Any = session_options("vigil desk", statement_s=30)
            with psycopg.connect(self.settings.database, **bounds) as connection:
                return work(connection)

        return await to_thread.run_sync(run, limiter=limiter)


def shown_now(desk: Desk, session: Session, snapshot: Snapshot) -> dict[str, object]:
    """The values that the templates of rows and of a patient share."""
    today = datetime.fromtimestamp(snapshot.read_at / 1000, desk.settings.zone).date()
    return {"session": session, "snapshot": snapshot, "now": snapshot.read_at, "today": today}


def desk_of(request: Request) -> Desk:
    """The application's :class:`Desk`."""
    return cast("Desk", request.app.state.desk)


def signed_in(handler: Guarded) -> Handler:
    """Guard a route: it needs a live session, and except for GET the session's form token.

    Without a session, a page leads to the sign-in page; anything else answers 401.
    """

    @functools.wraps(handler)
    async def guarded(request: Request) -> Response:
        desk = desk_of(request)
        asked_for = request.headers.get("accept", "")
        background = request.headers.get(BACKGROUND) is not None or asked_for.startswith("text/event-stream")
        async with desk.pool.connection() as connection:
            token = request.cookies.get(desk.settings.cookie)
            session = await find_session(connection, token, desk.settings, touch=not background)
        if session is None:
            if request.method == "GET" and "text/html" in asked_for and not background:
                return RedirectResponse("/sign-in?why=ended" if token else "/sign-in", 303)
            raise NotSignedInError
        if request.method != "GET":
            await check_form(request, session.csrf)
        return await handler(request, desk, session)

    return guarded


def text_of(form: FormData, field: str, most: int = 500) -> str:
    """A text field of a form, without blanks around it and cut at ``most`` characters; empty if it is missing.

    Raises:
        BadFormError: it holds characters that cannot be stored.
    """
    value = form.get(field)
    text = value.strip()[:most] if isinstance(value, str) else ""
    if not is_storable(text):
        raise BadFormError({field: "This holds characters that cannot be stored: type it again."})
    return text
