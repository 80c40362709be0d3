"""The guard of an administrator's pages, and what these pages share."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from psycopg.types.json import Jsonb
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from alerts.database import Tx
from alerts.desk.errors import NotAllowedError
from alerts.desk.web.audit import record
from alerts.desk.web.context import Desk, Guarded, Handler, signed_in
from alerts.desk.web.session import Session

T = TypeVar("T")
NO_PROBLEMS: Final[Mapping[str, str]] = {}
_AUDIT: Final = "INSERT INTO audit (person, action, subject, detail) VALUES (%s, %s, %s, %s)"


def administrator(handler: Guarded) -> Handler:
    """Guard a route as :func:`signed_in` does, for administrators alone; what others try is audited."""

    @functools.wraps(handler)
    async def guarded(request: Request, desk: Desk, session: Session) -> Response:
        if session.role != "administrator":
            async with desk.pool.connection() as connection:
                await record(connection, session.person, "admin.denied")
            raise NotAllowedError("This page is for administrators: ask one, or go back to the worklist.")
        return await handler(request, desk, session)

    return signed_in(guarded)


async def change(desk: Desk, work: Callable[[Tx], T]) -> T:
    """Run ``work``, which changes something, in one transaction; the worklist knows it afterwards."""
    done = await desk.write(work)
    await desk.reader.refresh(slow=True)
    return done


def write_down(tx: Tx, session: Session, action: str, subject: str, **detail: object) -> None:
    """Store in the audit, with the change itself, who made it; no names and no values."""
    tx.execute(_AUDIT, [session.person, action, subject, Jsonb(detail)])


def go_to(path: str) -> Response:
    """After a change the browser asks for a page anew, so that reloading it changes nothing."""
    return RedirectResponse(path, 303)
