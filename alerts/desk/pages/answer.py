"""The page behind the link of a message: it shows nothing of the patient, and lets the person who was called answer.

Opening it does nothing: scanners of mail follow links.  Only a press of a button acts.
"""

from __future__ import annotations

from typing import Final

from anyio import CapacityLimiter
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from alerts.care.answers import Answer, Asked, answer, asked
from alerts.desk.pages.actions import MOST_AT_ONCE
from alerts.desk.web.context import Desk, desk_of, text_of
from alerts.errors import ConflictError, RefusedError
from alerts.life.typed_number import whole_number

_ANSWERS: Final[dict[str, Answer]] = {"take": "acknowledged", "seen": "seen", "cannot": "declined"}


class AnswerPage:
    """The page's routes.  Its reads and writes are few at a time: whoever tries links takes nothing from the desk."""

    def __init__(self) -> None:
        self._limiter = CapacityLimiter(4)
        self.routes = [
            Route("/call/{token}", self.show, methods=["GET"]),
            Route("/call/{token}", self.act, methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        """The call and its three answers, or the reason why there is nothing to answer."""
        desk, token = desk_of(request), request.path_params["token"]
        try:
            found = await desk.write(lambda tx: asked(tx, desk.master, token), self._limiter)
        except RefusedError as error:
            return _page(desk, token, message=str(error), status=410)
        return _page(desk, token, found=found)

    async def act(self, request: Request) -> Response:
        """Store the answer of the button that was pressed."""
        desk, token = desk_of(request), request.path_params["token"]
        form = await request.form()
        what = _ANSWERS.get(text_of(form, "answer"))
        if what is None:
            return _page(desk, token, message="Press one of the three buttons: open the link again.", status=422)
        shown = _shown(text_of(form, "alarms", 20_000))
        try:
            message = await desk.write(lambda tx: answer(tx, desk.master, token, what, shown), self._limiter)
        except ConflictError as error:
            return _page(desk, token, message=f"Somebody was first, or it has changed: {error}", status=409)
        except RefusedError as error:
            return _page(desk, token, message=str(error), status=410)
        await desk.reader.refresh()
        return _page(desk, token, message=message)


def _shown(text: str) -> dict[int, int]:
    """The alarms that the page showed (``12:3 13:1``), each with its version."""
    found = dict[int, int]()
    for pair in text.split()[:MOST_AT_ONCE]:
        number, version = (whole_number(part) for part in (f"{pair}:").split(":")[:2])
        if number is not None and version is not None:
            found[number] = version
    return found


def _page(desk: Desk, token: str, *, found: Asked | None = None, message: str = "", status: int = 200) -> Response:
    return desk.page("call.html", status=status, found=found, message=message, token=token)
