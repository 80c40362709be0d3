"""The worklist: the page, its list, and single rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from alerts.desk.web.audit import record
from alerts.desk.web.context import Desk, shown_now, signed_in
from alerts.desk.web.session import Session
from alerts.desk.worklist.cells import VITAL_OF, sparks_of
from alerts.desk.worklist.lines import Line, counts
from alerts.desk.worklist.snapshot import Snapshot

_GROUPS: Final = (
    ("open", "Unacknowledged", "high, medium, technical; oldest first"),
    ("held", "In hand", "acknowledged or snoozed; back above if it gets worse or the time is over"),
    ("quiet", "No alarm", ""),
)
_ROWS_AT_ONCE: Final = 300
_WHOLE: Final = 12
"""Rows that a page brings whole: more than a screen; the others come when somebody scrolls to them."""


def shown(desk: Desk, session: Session, snapshot: Snapshot, lines: Iterable[Line]) -> dict[str, Any]:
    """The values that the templates of rows need, for these lines; ``whole``: the rows that are more than a name."""
    sparks, whole = {}, set()
    for line in lines:
        whole.add(line.key)
        if line.patient:
            sparks[line.key] = sparks_of(snapshot, line.patient)
    return {
        "whole": whole,
        **shown_now(desk, session, snapshot),
        "COLUMNS": tuple(VITAL_OF),
        "sparks": sparks,
    }


async def newest(desk: Desk) -> Snapshot:
    """The newest snapshot; after a start this waits for the first one."""
    snapshot = desk.reader.snapshot or await desk.reader.wait(0, 10)
    if snapshot is None:
        raise TimeoutError
    return snapshot


def _grouped(lines: tuple[Line, ...]) -> list[tuple[str, str, str, list[Line]]]:
    return [(key, title, hint, [line for line in lines if line.group == key]) for key, title, hint in _GROUPS]


@signed_in
async def page(request: Request, desk: Desk, session: Session) -> Response:
    """The whole page; the read is audited."""
    snapshot = await newest(desk)
    lines = desk.reader.view(session.teams)
    async with desk.pool.connection() as connection:
        await record(connection, session.person, "worklist.read", "", teams=sorted(session.teams))
    people = [p for p in snapshot.people.values() if p.teams & session.teams and p.person != session.person]
    return desk.page(
        "worklist.html",
        groups=_grouped(lines),
        counts=counts(lines, session.person),
        team_names=", ".join(snapshot.teams[t] for t in sorted(session.teams) if t in snapshot.teams) or "No care team",
        patients=sum(line.patient is not None for line in lines),
        colleagues=sorted(p.name for p in people),
        **shown(desk, session, snapshot, lines[:_WHOLE]),
    )


@signed_in
async def whole(request: Request, desk: Desk, session: Session) -> Response:
    """The list in its newest order."""
    snapshot = await newest(desk)
    lines = desk.reader.view(session.teams)
    return desk.page("_list.html", groups=_grouped(lines), **shown(desk, session, snapshot, lines[:_WHOLE]))


@signed_in
async def rows(request: Request, desk: Desk, session: Session) -> Response:
    """Rows in their newest form, which the page puts in place: ``?key=p12&key=g3``."""
    keys = set(request.query_params.getlist("key")[:_ROWS_AT_ONCE])
    snapshot = await newest(desk)
    lines = [line for line in desk.reader.view(session.teams) if line.key in keys]
    return desk.page("_rows.html", lines=lines, **shown(desk, session, snapshot, lines))


ROUTES: Final = [
    Route("/", page, methods=["GET"]),
    Route("/list", whole, methods=["GET"]),
    Route("/rows", rows, methods=["GET"]),
]
