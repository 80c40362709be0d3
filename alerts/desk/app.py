"""The desk as one Starlette application: worklist, patient pages, sign-in, gateway API, health."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

import structlog
from psycopg import DataError, OperationalError
from psycopg_pool import AsyncConnectionPool
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from alerts.care.identity import open_identity
from alerts.control.path_watch import PathWatch
from alerts.desk.errors import BadFormError, DeskError, NotSignedInError
from alerts.desk.gateways.api import GatewayApi
from alerts.desk.metrics import Metrics
from alerts.desk.pages import actions, links, stream, worklist
from alerts.desk.pages.admin import importing, leaflet, patients, people, teams
from alerts.desk.pages.limits import limits
from alerts.desk.pages.pair.routes import PairPages
from alerts.desk.pages.patient import patient
from alerts.desk.settings import DeskSettings
from alerts.desk.web import health
from alerts.desk.web.context import Desk, desk_of
from alerts.desk.web.door import Door
from alerts.desk.web.shield import Shield
from alerts.desk.web.templates import HERE, environment
from alerts.desk.worklist.paging import paging_in_words
from alerts.desk.worklist.reader import Reader
from alerts.errors import AlertError
from alerts.supervision import Supervisor
from devices.database_session import session_options
from devices.wire.keys import read_master_key

_log = structlog.get_logger("alerts.desk")
_TITLES: Final = {401: "Signed out", 403: "Not allowed", 404: "Not found", 422: "Not saved", 429: "Too many tries"}


def build(settings: DeskSettings) -> Starlette:
    """The desk's application; its lifespan opens the database and begins to read the list."""
    metrics = Metrics()
    master = read_master_key(settings.master_key_file)
    reader = Reader(settings, lambda number, sealed: open_identity(sealed, master, number), metrics)
    pool: AsyncConnectionPool[Any] = AsyncConnectionPool(
        settings.database,
        min_size=1,
        max_size=settings.pool,
        timeout=5,
        max_waiting=50,
        open=False,
        kwargs=session_options("vigil desk", statement_s=10),
    )

    path = PathWatch(settings.database, settings.kafka, settings.topic, notifier=True)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        with _watching(path, reader.supervisor) if settings.watch_path else contextlib.nullcontext():
            async with pool, reader.running():
                yield

    routes = [
        *worklist.ROUTES,
        *stream.ROUTES,
        *actions.ROUTES,
        *links.ROUTES,
        *patient.ROUTES,
        *limits.ROUTES,
        *importing.ROUTES,
        *patients.ROUTES,
        *leaflet.ROUTES,
        *people.ROUTES,
        *teams.ROUTES,
        *Door(settings.sign_in_tries).routes,
        *GatewayApi(settings.claim_tries).routes,
        *PairPages(settings.pair_tries).routes,
        *health.ROUTES,
        Mount("/static", StaticFiles(directory=HERE / "static"), name="static"),
    ]
    hosts = [urlsplit(settings.public_url).hostname or "127.0.0.1", "127.0.0.1", "localhost"]
    app = Starlette(
        routes=routes,
        lifespan=lifespan,
        middleware=[
            Middleware(_Counted, metrics=metrics),
            Middleware(Shield, body_limit=settings.body_limit, request_s=settings.request_s, secure=settings.secure),
            Middleware(GZipMiddleware, minimum_size=1000, compresslevel=5),  # not of event streams, which it knows
            Middleware(TrustedHostMiddleware, allowed_hosts=hosts, www_redirect=False),
        ],
        exception_handlers=_HANDLERS,
    )
    pages = environment(settings)
    pages.globals["paging"] = partial(_paging, reader, settings)
    app.state.desk = Desk(settings, master, pool, reader, pages, metrics, path)
    return app


@contextlib.contextmanager
def _watching(path: PathWatch, supervisor: Supervisor) -> Iterator[None]:
    """Threads of their own ask database and brokers: one that hangs holds up nobody."""
    stop = threading.Event()
    for name, watch in (("watch database", path.watch_database), ("watch brokers", path.watch_brokers)):
        body = partial(watch, stop)
        threading.Thread(target=supervisor.keep_in_thread, args=(name, body, stop), name=name, daemon=True).start()
    try:
        yield
    finally:
        stop.set()


def _paging(reader: Reader, settings: DeskSettings, teams: Iterable[int] | None = None) -> tuple[bool, str]:
    """True if people are paged for these teams (``None``: all), in words too; the page shows it from its first moment."""
    snapshot = reader.snapshot
    return paging_in_words(snapshot.paging, teams, settings.zone, snapshot.read_at) if snapshot else (True, "")


class _Counted:
    """Counts and times requests by route; never by path: a path names a patient."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status = time.monotonic(), 500

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, watched)
        finally:
            route = getattr(scope.get("route"), "path", None) or "other"
            self.metrics.requests.labels(route, str(status)).inc()
            if route != "/stream":
                self.metrics.seconds.labels(route).observe(time.monotonic() - began)


def _refused(request: Request, error: DeskError) -> Response:
    if isinstance(error, NotSignedInError) and _wants_page(request):
        return RedirectResponse("/sign-in?why=ended", 303)
    problems = error.problems if isinstance(error, BadFormError) else None
    return _answer(request, error.status, str(error), problems=problems)


def _impossible(request: Request, error: AlertError | DataError) -> Response:
    cannot = "This cannot be stored: check what was typed and try again."
    return _answer(request, 422, str(error) if isinstance(error, AlertError) else cannot)


def _busy(request: Request, error: Exception) -> Response:
    _log.warning("a request was not answered", route=_route(request), reason=type(error).__name__)
    message = "The desk does not reach its database in time: try again in a few seconds."
    return _answer(request, 503, message, headers={"Retry-After": "2"})


def _http(request: Request, error: HTTPException) -> Response:
    message = error.detail
    if error.status_code == 404 and _wants_page(request):
        message = "There is no such page: go back to the worklist."
    return _answer(request, error.status_code, message, headers=dict(error.headers or {}))


def _answer(
    request: Request,
    status: int,
    message: str,
    *,
    problems: Mapping[str, str] | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    if request.url.path.startswith("/pair/"):  # a patient, who has no worklist to go back to
        return desk_of(request).page("pair/closed.html", status=status, headers=headers, reason="busy", seconds=0)
    if _wants_page(request):
        title = _TITLES.get(status, "Not done")
        return desk_of(request).page("error.html", status=status, headers=headers, title=title, message=message)
    return JSONResponse({"error": message, **({"problems": problems} if problems else {})}, status, headers)


def _broken(request: Request, error: Exception) -> Response:
    _log.error("a request failed", route=_route(request), error=type(error).__name__)
    return JSONResponse({"error": "The desk could not do this: try again, and tell its operator if it fails again."}, 500)


def _route(request: Request) -> str:
    return getattr(request.scope.get("route"), "path", "")


def _wants_page(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "") and "hx-request" not in request.headers


_HANDLERS: Final[dict[Any, Any]] = {
    DeskError: _refused,
    AlertError: _impossible,
    DataError: _impossible,
    HTTPException: _http,
    OperationalError: _busy,
    TimeoutError: _busy,
    Exception: _broken,
}
