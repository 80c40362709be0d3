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
    """200 while the list is being read; 503 otherwise.  ``failing``: tasks that do not run; ``unreadable``: damaged rows."""
    reader = desk_of(request).reader
    age = reader.age_s
    healthy = age is not None and age < OLD_S
    answer = {
        "healthy": healthy,
        "list_age_s": None if age is None else round(age, 1),
        "failing": reader.supervisor.failing(),
        "unreadable": len(reader.snapshot.faults) if reader.snapshot else 0,
    }
    return JSONResponse(answer, 200 if healthy else 503)


async def metrics(request: Request) -> Response:
    """The metrics in the text format of Prometheus."""
    return Response(generate_latest(desk_of(request).metrics.registry), media_type=CONTENT_TYPE_LATEST)


ROUTES: Final = [Route("/healthz", healthz), Route("/metrics", metrics)]
