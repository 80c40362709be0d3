"""The event stream of a page: changed numbers, and the keys of changed rows; the page then fetches the rows.

There is at most one event for each read.  A page that gets no event knows that it is disconnected.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any, Final

import msgspec
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from alerts.desk.web.context import Desk, signed_in
from alerts.desk.web.session import Session, find_session
from alerts.desk.worklist.calls import Call, calls_of
from alerts.desk.worklist.lines import Line, counts
from alerts.desk.worklist.paging import paging_in_words
from alerts.desk.worklist.reader import OLD_S
from alerts.desk.worklist.snapshot import Snapshot

_BEAT_S: Final = 1.0
_CHECK_S: Final = 5.0
WARNED_S: Final = 120.0
"""A page is told so long before that its session ends."""
_SEND_S: Final = 20.0
_json: Final = msgspec.json.Encoder()


class Feed:
    """The data that one page has; ``event`` gives the changes since the last one."""

    def __init__(self, person: int, only: str | None = None) -> None:
        self._person, self._only = person, only
        self._cells: dict[str, dict[str, list[object]]] = {}
        self._order: list[str] = []
        self._lines: dict[str, list[object]] = {}
        self._calls: list[Call] | None = None
        self._offer: list[int] = []
        self._paging: tuple[bool, str] | None = None

    def event(
        self, snapshot: Snapshot, lines: tuple[Line, ...], stale_ms: float, paging: tuple[bool, str] | None = None
    ) -> dict[str, Any]:
        """The event of this snapshot: always times and counts; calls, paging, the order of keys, the state of lines, their
        cells and an offered hand-over only if they changed.

        The page of one patient gets the calls of all: who stands there must hear the others too.
        """
        counted, calls = counts(lines, self._person), calls_of(lines)
        if self._only:
            lines = tuple(line for line in lines if line.key == self._only)
        data_at = snapshot.data_at
        event: dict[str, Any] = {
            "now": snapshot.read_at,
            "data": data_at,
            "still": data_at is None or snapshot.read_at - data_at > stale_ms,
            "counts": counted,
        }
        if calls != self._calls:
            event["calls"] = self._calls = calls
        if paging != self._paging:
            event["paging"] = self._paging = paging
        order = [line.key for line in lines]
        if order != self._order:
            event["order"] = self._order = order
        states: dict[str, list[object]] = {
            line.key: [line.group, line.kind, line.digest, int(line.of(self._person))] for line in lines
        }
        if changed_lines := {key: state for key, state in states.items() if self._lines.get(key) != state}:
            event["lines"] = changed_lines
        self._lines = states
        offer = next(([number, giver] for number, giver, taker in snapshot.offers if taker == self._person), [])
        if offer != self._offer:
            giver = snapshot.people.get(offer[1]) if offer else None
            self._offer, event["offer"] = offer, giver.name if giver else ""
        cells: dict[str, dict[str, list[object]]] = {}
        for line in lines:
            if line.cells is None:
                continue
            now = {column: cell.wire() for column, cell in line.cells.items()}
            before = self._cells.get(line.key, {})
            changed = {column: cell for column, cell in now.items() if before.get(column) != cell}
            if changed:
                cells[line.key] = changed
            self._cells[line.key] = now
        if cells:
            event["cells"] = cells
        return event


class _Ends(msgspec.Struct, frozen=True):
    """``at``: ms since the epoch at which the session ends, if that is soon; ``idle``: only if nobody uses the screen."""

    at: int | None = None
    idle: bool = True


def _ending(session: Session) -> _Ends:
    left_s = min(session.idle_left_s, session.left_s)
    if left_s > WARNED_S:
        return _Ends()
    return _Ends(round((time.time() + left_s) / 5) * 5000, session.idle_left_s < session.left_s)


@signed_in
async def stream(request: Request, desk: Desk, session: Session) -> Response:
    """Server-sent events until the session ends; ``?only=p12`` for the page of one patient."""
    return EventSourceResponse(
        _events(desk, session, request), ping=3600, send_timeout=_SEND_S, headers={"X-Accel-Buffering": "no"}
    )


async def _events(desk: Desk, session: Session, request: Request) -> AsyncIterator[ServerSentEvent]:
    feed = Feed(session.person, request.query_params.get("only"))
    token, number, checked = request.cookies.get(desk.settings.cookie), 0, time.monotonic()
    sessions, ends, ending = desk.reader.sessions, _Ends(), _ending(session)
    desk.metrics.streams.inc()
    try:
        while True:
            snapshot = await desk.reader.wait(number, _BEAT_S)
            if sessions != desk.reader.sessions or time.monotonic() - checked > _CHECK_S:
                sessions, checked = desk.reader.sessions, time.monotonic()
                async with desk.pool.connection() as connection:
                    found = await find_session(connection, token, desk.settings, touch=False)
                if found is None:
                    yield ServerSentEvent("{}", event="bye")
                    return
                session, ending = found, _ending(found)
            if ending != ends:
                ends = ending
                yield ServerSentEvent(_json.encode(ends).decode(), event="session")
            if snapshot is None:  # no new list: the page gets a beat that says how old its list is
                age = desk.reader.age_s
                beat = {"age_s": None if age is None else round(age, 1), "old": age is None or age > OLD_S}
                yield ServerSentEvent(_json.encode(beat).decode(), event="beat")
                continue
            number = snapshot.number
            paging = paging_in_words(snapshot.paging, session.teams, desk.settings.zone, snapshot.read_at)
            event = feed.event(snapshot, desk.reader.view(session.teams), desk.settings.stale_after_s * 1000, paging)
            yield ServerSentEvent(_json.encode(event).decode(), event="list")
            await asyncio.sleep(0)
    finally:
        desk.metrics.streams.dec()


ROUTES: Final = [Route("/stream", stream, methods=["GET"])]
