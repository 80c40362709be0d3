"""An administrator's gateways: whom each serves, and what it finds wrong with itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from alerts.care.gateway_health import GatewayHealth, gateway_health
from alerts.care.registers import Record, gateways
from alerts.database import Tx, now
from alerts.desk.pages.admin.guard import NO_PROBLEMS, administrator
from alerts.desk.web.context import Desk
from alerts.desk.web.session import Session

SILENT_S: Final = 300


@dataclass(frozen=True, slots=True)
class Home:
    """One gateway as the page shows it."""

    record: Record
    health: GatewayHealth
    silent: bool


@administrator
async def page(request: Request, desk: Desk, session: Session) -> Response:
    """Every gateway, those with something wrong first."""
    homes = await desk.write(_homes)
    return desk.page(
        "admin/gateways.html", session=session, homes=homes, zone=desk.settings.zone, done="", problems=NO_PROBLEMS
    )


def _homes(tx: Tx) -> list[Home]:
    rows, at = gateways(tx), now(tx)
    health = gateway_health(tx, [row["gateway"] for row in rows])
    found = [Home(row, one := health[row["gateway"]], _is_silent(row, one.seen, at)) for row in rows]
    return sorted(found, key=lambda home: (home.record["revoked"] is not None, not (home.silent or home.health.wrong)))


def _is_silent(row: Record, seen: datetime | None, at: datetime) -> bool:
    """It serves somebody and says nothing."""
    if row["revoked"] is not None or not row["devices"]:
        return False
    return seen is None or (at - seen).total_seconds() > SILENT_S


ROUTES: Final = [Route("/admin/gateways", page, methods=["GET"])]
