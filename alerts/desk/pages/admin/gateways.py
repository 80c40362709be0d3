"""An administrator's gateways: last seen, clock and faults; a claim code as QR, the zone, replacing and revoking."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import segno
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from alerts.care.gateway_health import GatewayHealth, gateway_health
from alerts.care.gateways import add_gateway, new_claim, replace_gateway, revoke_gateway, set_zone
from alerts.care.registers import Record, gateway, gateways
from alerts.database import Tx, now
from alerts.desk.errors import NotYoursError
from alerts.desk.pages.admin.guard import NO_PROBLEMS, administrator, change, go_to, write_down
from alerts.desk.web.access import existing
from alerts.desk.web.context import Desk, text_of
from alerts.desk.web.session import Session
from alerts.errors import CareError
from alerts.life.typed_number import whole_number

_DONE: Final = {
    "zone": "The home's time zone is changed; the gateway knows it within seconds.",
    "revoked": "Revoked: nothing that it sends from now on is taken. Give its wearables to another gateway.",
    "replaced": "The wearables belong to this gateway now.",
}
SILENT_S: Final = 300


@dataclass(frozen=True, slots=True)
class Home:
    """One gateway as the pages show it; ``silent``: it serves somebody and says nothing."""

    record: Record
    health: GatewayHealth
    silent: bool

    @property
    def amiss(self) -> bool:
        """Somebody has to see to it."""
        return self.record["revoked"] is None and (self.silent or bool(self.health.wrong))


@administrator
async def page(request: Request, desk: Desk, session: Session) -> Response:
    """Every gateway with what it last reported, and the form for another one."""
    return await _page(desk, session)


@administrator
async def add(request: Request, desk: Desk, session: Session) -> Response:
    """Add a gateway; its claim code is shown this once."""
    form = await request.form()
    name, zone = text_of(form, "name", 201), text_of(form, "zone", 100)

    def work(tx: Tx) -> tuple[int, str]:
        number = add_gateway(tx, name, zone)
        write_down(tx, session, "gateway.added", f"gateway:{number}")
        return number, new_claim(tx, number)

    try:
        number, code = await change(desk, work)
    except CareError as error:
        return await _page(desk, session, texts={"name": name, "zone": zone}, problems={"name": str(error)})
    return await _one(desk, session, number, code=code)


@administrator
async def one(request: Request, desk: Desk, session: Session) -> Response:
    """One gateway, the wearables it listens to, and what can be done."""
    return await _one(desk, session, request.path_params["gateway"], done=request.query_params.get("done", ""))


@administrator
async def claim(request: Request, desk: Desk, session: Session) -> Response:
    """Make a new claim code, shown this once; earlier ones end."""
    number = request.path_params["gateway"]

    def work(tx: Tx) -> str:
        code = new_claim(tx, number)
        write_down(tx, session, "gateway.claim", f"gateway:{number}")
        return code

    code = await existing(change(desk, work))
    return await _one(desk, session, number, code=code)


@administrator
async def act(request: Request, desk: Desk, session: Session) -> Response:
    """Change the zone, revoke, or take over the wearables of another gateway."""
    number, name, form = request.path_params["gateway"], request.path_params["act"], await request.form()
    zone, old = text_of(form, "zone", 100), whole_number(text_of(form, "old"))

    def work(tx: Tx) -> str:
        if name == "zone":
            set_zone(tx, number, zone)
            write_down(tx, session, "gateway.zone", f"gateway:{number}", zone=zone)
            return "zone"
        if name == "revoke":
            revoke_gateway(tx, number, session.person)
            write_down(tx, session, "gateway.revoked", f"gateway:{number}")
            return "revoked"
        if name != "replace" or old is None or old == number:
            raise NotYoursError
        moved = replace_gateway(tx, desk.master, old, number, datetime.now(UTC), session.person)
        write_down(tx, session, "gateway.replaced", f"gateway:{old}", by_gateway=number, devices=moved)
        return "replaced"

    try:
        done = await existing(change(desk, work))
    except CareError as error:
        return await _one(desk, session, number, problems={"gateway": str(error)})
    return go_to(f"/admin/gateways/{number}?done={done}")


def claim_command(code: str, public_url: str) -> str:
    """The command that the gateway's keeper types, or scans and pastes, on the gateway."""
    return f"vigil pair claim {code} --desk {public_url}"


async def _page(
    desk: Desk, session: Session, *, texts: dict[str, str] | None = None, problems: dict[str, str] | None = None
) -> Response:
    return desk.page(
        "admin/gateways.html", status=422 if problems else 200, session=session, homes=await desk.write(_homes),
        texts=texts or {}, problems=problems or NO_PROBLEMS, done="", at=datetime.now(UTC), zone=desk.settings.zone,
    )  # fmt: skip


async def _one(
    desk: Desk, session: Session, number: int, *, code: str = "", done: str = "", problems: dict[str, str] | None = None
) -> Response:
    def work(tx: Tx) -> tuple[Record, Home, list[Record]]:
        found, rows = gateway(tx, number), gateways(tx)
        (home,) = _homes_of(tx, [row for row in rows if row["gateway"] == number])
        return found, home, rows

    found, home, others = await existing(desk.write(work))
    command = claim_command(code, desk.settings.public_url) if code else ""
    qr = segno.make(command, error="m", micro=False).svg_data_uri(scale=5, border=4, light="#fff") if code else ""
    return desk.page(
        "admin/gateway.html", status=422 if problems else 200, session=session, one=found, home=home,
        zone=desk.settings.zone, code=code, command=command, qr=qr,
        others=[row for row in others if row["gateway"] != number and row["devices"]], done=_DONE.get(done, ""),
        problems=problems or NO_PROBLEMS, at=datetime.now(UTC),
    )  # fmt: skip


def _homes(tx: Tx) -> list[Home]:
    """All of them; those with something wrong first, the revoked last."""
    found = _homes_of(tx, gateways(tx))
    return sorted(found, key=lambda home: (home.record["revoked"] is not None, not home.amiss))


def _homes_of(tx: Tx, rows: list[Record]) -> list[Home]:
    at, health = now(tx), gateway_health(tx, [row["gateway"] for row in rows])
    return [Home(row, one := health[row["gateway"]], _is_silent(row, one.seen, at)) for row in rows]


def _is_silent(row: Record, seen: datetime | None, at: datetime) -> bool:
    if row["revoked"] is not None or not row["devices"]:
        return False
    return seen is None or (at - seen).total_seconds() > SILENT_S


_ONE: Final = "/admin/gateways/{gateway:int}"
ROUTES: Final = [
    Route("/admin/gateways", page, methods=["GET"]),
    Route("/admin/gateways", add, methods=["POST"]),
    Route(_ONE, one, methods=["GET"]),
    Route(f"{_ONE}/claim", claim, methods=["POST"]),
    Route(f"{_ONE}/{{act}}", act, methods=["POST"]),
]
