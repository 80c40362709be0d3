"""Health for a supervisor, metrics for Prometheus."""

from __future__ import annotations

from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from alerts.desk.web.context import desk_of
from alerts.desk.worklist.reader import OLD_S


async def healthz(request: Request) -> Response:
    """200 while the list is being read and alarms come and are sent; 503 otherwise.

    ``away`` says which part of the way from the log to people does not work; ``failing``: tasks of the desk that do not run;
    ``unreadable``: damaged rows.
    """
    desk = desk_of(request)
    reader, faults = desk.reader, desk.path.faults() if desk.settings.watch_path else []
    age = reader.age_s
    healthy = age is not None and age < OLD_S and not faults
    answer = {
        "healthy": healthy,
        "list_age_s": None if age is None else round(age, 1),
        "away": {fault.part: fault.sentence for fault in faults},
        "failing": reader.supervisor.failing(),
        "unreadable": len(reader.snapshot.faults) if reader.snapshot else 0,
    }
    return JSONResponse(answer, 200 if healthy else 503)


async def livez(request: Request) -> Response:
    """200 while the desk itself reads the list: what else is away, another start of the desk would not bring back."""
    age = desk_of(request).reader.age_s
    return Response(status_code=200 if age is not None and age < OLD_S else 503)


async def metrics(request: Request) -> Response:
    """The metrics in the text format of Prometheus."""
    return Response(generate_latest(desk_of(request).metrics.registry), media_type=CONTENT_TYPE_LATEST)


ROUTES: Final = [Route("/healthz", healthz), Route("/livez", livez), Route("/metrics", metrics)]
