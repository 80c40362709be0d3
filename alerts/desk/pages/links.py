"""The address in a message: it leads to the alarm's patient, by way of the sign-in page where that is needed."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from alerts.desk.web.access import visible_alarm
from alerts.desk.web.context import desk_of
from alerts.desk.web.session import find_session


async def alarm_link(request: Request) -> Response:
    """303 to the patient of an alarm, open or closed, or to the worklist for an alarm of the system itself."""
    desk, number = desk_of(request), request.path_params["alarm"]
    async with desk.pool.connection() as connection:
        session = await find_session(connection, request.cookies.get(desk.settings.cookie), desk.settings, touch=True)
    if session is None:
        # a browser that comes from another site leaves the cookie at home: asked once more by a page of ours, it brings it
        if request.headers.get("sec-fetch-site") == "cross-site":
            return desk.page("on_the_way.html", to=f"/alarms/{number}")
        return RedirectResponse(f"/sign-in?next=/alarms/{number}", 303)
    alarm = await visible_alarm(desk, session, number)
    return RedirectResponse(f"/patients/{alarm.subject}" if alarm.subject_kind == "patient" else "/", 303)


ROUTES: Final = [Route("/alarms/{alarm:int}", alarm_link, methods=["GET"])]
