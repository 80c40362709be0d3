"""The routes of the patient's own pages: ``/pair/CODE``.  The code in the address is all that they need, and opens no more.

There is no session and no cookie: whoever has the leaflet has the page.  A form of another site cannot name the code.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any, Final, TypeVar

from anyio import CapacityLimiter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from alerts.care.call_back import is_waiting
from alerts.care.pairing_scan import cards, scan_state
from alerts.care.shared_devices import unknown_users
from alerts.database import Tx, now_ms
from alerts.desk.errors import TooManyTriesError
from alerts.desk.pages.pair import mine
from alerts.desk.pages.pair.acts import CONSENT_VERSION, act, note_receipt
from alerts.desk.pages.pair.download import lines
from alerts.desk.pages.pair.steps import NUMBER, before
from alerts.desk.pages.pair.visit import Visit, note_opening, read_visit, received_values, write_down
from alerts.desk.web.audit import record
from alerts.desk.web.context import Desk, desk_of, text_of
from alerts.desk.web.session import BACKGROUND
from alerts.desk.web.throttle import Slowdown

T = TypeVar("T")
NOTHING_S: Final = 60.0
"""After so long without a device the screen helps."""
SAMPLE_S: Final = 90.0
"""After so long without a value the screen helps."""
_AT_ONCE: Final = 3
"""Database connections that patients' pages together may use: the rest is for the ward."""
_WAITING: Final = 3
"""Requests of one address that may wait after wrong codes; more are refused."""
_DOWNLOADS: Final = 2
_DOWNLOAD_S: Final = 600.0
_NOTES: Final = frozenset({"taken", "gone", "buzz", "off"})


class PairPages:
    """The routes, with the recent wrong codes of each address."""

    def __init__(self, tries: int) -> None:
        self._tries = Slowdown(tries, waiting=_WAITING)
        self._limiter = CapacityLimiter(_AT_ONCE)
        self._downloads = CapacityLimiter(_DOWNLOADS)
        self.routes = [
            Route("/pair", self.ask, methods=["GET"]),
            Route("/pair/{code}", self.show, methods=["GET"]),
            Route("/pair/{code}", self.answer, methods=["POST"]),
            Route("/download/{code}/readings.csv", self.download, methods=["GET"]),
        ]

    async def ask(self, request: Request) -> Response:
        """A field for the code, for who types it."""
        typed = "".join(one for one in request.query_params.get("code", "")[:40].upper() if one.isalnum() or one == "-")
        return RedirectResponse(f"/pair/{typed}", 303) if typed else _closed(desk_of(request), "", 200)

    async def show(self, request: Request) -> Response:
        """The screen that the patient has come to."""
        desk, background = desk_of(request), request.headers.get(BACKGROUND) is not None

        def work(tx: Tx, visit: Visit) -> dict[str, Any]:
            note_opening(tx, visit)
            return _shown(tx, visit, background=background)

        found = await self._visit(request, work)
        if isinstance(found, Response):
            return found
        visit, values = found
        note = request.query_params.get("note", "")
        return desk.page(
            f"pair/{visit.step}.html", visit=visit, code=request.path_params["code"], note=note if note in _NOTES else "",
            number=NUMBER.get(visit.step), zone=visit.zone, **{"back": before(visit.progress), **values},
        )  # fmt: skip

    async def answer(self, request: Request) -> Response:
        """Do what the answer of a screen asks for, then show the screen that follows."""
        desk, form, code = desk_of(request), await request.form(), request.path_params["code"]
        step, answer, value = text_of(form, "step", 20), text_of(form, "answer", 40), text_of(form, "value", 60)

        def work(tx: Tx, visit: Visit) -> str:
            return act(tx, desk.master, visit, answer, value) if step == visit.step else ""

        found = await self._visit(request, work)
        if isinstance(found, Response):
            return found
        note = found[1]
        return RedirectResponse(f"/pair/{code}{f'?note={note}' if note else ''}", 303)

    async def download(self, request: Request) -> Response:
        """Everything that was measured of the patient, as CSV; it is audited."""
        desk = desk_of(request)

        def work(tx: Tx, visit: Visit) -> bool:
            if visit.progress.finished:
                write_down(tx, visit, "readings.downloaded")
            return visit.progress.finished

        found = await self._visit(request, work)
        if isinstance(found, Response):
            return found
        visit, allowed = found
        if not allowed:
            return RedirectResponse(f"/pair/{request.path_params['code']}", 303)
        headers = {"Content-Disposition": 'attachment; filename="my-readings.csv"'}
        return StreamingResponse(self._file(desk, visit), media_type="text/csv; charset=utf-8", headers=headers)

    async def _file(self, desk: Desk, visit: Visit) -> AsyncIterator[str]:
        async with asyncio.timeout(_DOWNLOAD_S), self._downloads, desk.pool.connection() as connection:
            async for text in lines(connection, visit.patient, visit.zone):
                yield text

    async def _visit(self, request: Request, work: Callable[[Tx, Visit], T]) -> tuple[Visit, T] | Response:
        """The visit that the code opens and what ``work`` makes of it, in one transaction; or the answer to a wrong code.

        Wrong codes of an address slow its next requests down, and a right one opens all the same.
        """
        desk, code = desk_of(request), request.path_params["code"][:40]
        address = request.client.host if request.client else "unknown"

        def read(tx: Tx) -> tuple[Visit, T] | None:
            visit = read_visit(tx, desk.master, code, desk.settings.zone)
            if visit is None:
                return None
            done = work(tx, visit)
            return read_visit(tx, desk.master, code, desk.settings.zone) or visit, done

        try:
            wait_s = self._tries.begin(address, time.monotonic())
        except TooManyTriesError as error:
            return _closed(desk, "many", 429, {"Retry-After": str(error.retry_s)}, seconds=error.retry_s)
        wrong = False
        try:
            await asyncio.sleep(wait_s)
            found = await desk.write(read, self._limiter)
            wrong = found is None
        finally:
            self._tries.end(address, time.monotonic(), wrong=wrong, waited=wait_s > 0)
        if found is not None:
            return found
        async with desk.pool.connection() as connection:
            await record(connection, 0, "pairing.refused")
        return _closed(desk, "wrong", 404)


def _closed(desk: Desk, reason: str, status: int, headers: dict[str, str] | None = None, *, seconds: int = 0) -> Response:
    return desk.page("pair/closed.html", status=status, headers=headers, reason=reason, seconds=seconds)


def _shown(tx: Tx, visit: Visit, *, background: bool) -> dict[str, Any]:
    """The values that the template of the visit's screen needs."""
    values: dict[str, Any] = {"waiting": is_waiting(tx, visit.patient)}
    match visit.step:
        case "consent":
            values["version"] = CONSENT_VERSION
        case "find":
            scan = scan_state(tx, visit.gateway)
            found = cards(tx, visit.gateway, visit.patient, visit.progress.kind)
            values |= {"scan": scan, "cards": found, "nothing": scan is not None and scan.asked_s >= NOTHING_S}
        case "receipt":
            received = received_values(tx, visit)
            if received:
                note_receipt(tx, visit, list(received))
                values["back"] = None  # it is done
            waited = (now_ms(tx) - (visit.chosen or 0)) / 1000
            chosen = [one for one in mine.connections(tx, visit) if one.device == visit.device]
            values |= {
                "values": mine.in_order(received),
                "arrived": max((one.arrived for one in received), default=None),
                "late": waited >= SAMPLE_S,
                "connection": chosen[0] if chosen else None,
            }
        case "mine":
            if not background:
                write_down(tx, visit, "readings.read")
            newest, connections = mine.newest_values(tx, visit.patient), mine.connections(tx, visit)
            asked = unknown_users(tx, visit.patient) if visit.progress.consented else []
            values |= {"values": newest, "connections": connections, "asked": asked, "now": now_ms(tx)}
    return values
