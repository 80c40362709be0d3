"""An administrator hands out a leaflet: the code of a patient's own page, as QR on a page to print; and revokes it."""

from __future__ import annotations

from typing import Any, Final

import segno
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from alerts.care.device_kinds import KINDS
from alerts.care.pairing_codes import DAYS, Leaflet, codes, make_leaflet, revoke_code
from alerts.care.registers import Record, gateways, patient
from alerts.database import Tx
from alerts.desk.pages.admin.guard import NO_PROBLEMS, administrator, change, go_to, write_down
from alerts.desk.web.access import existing
from alerts.desk.web.context import Desk, text_of
from alerts.desk.web.session import Session
from alerts.errors import CareError

_WARD: Final = "SELECT t.name, t.phone FROM patient JOIN care_team t USING (team) WHERE patient = %s"


@administrator
async def page(request: Request, desk: Desk, session: Session) -> Response:
    """The leaflets of a patient, and the form for another one; the read is audited."""
    return await _page(request, desk, session)


@administrator
async def make(request: Request, desk: Desk, session: Session) -> Response:
    """Make a leaflet.  The answer is the page to print: its code is shown this once."""
    number, form = request.path_params["patient"], await request.form()
    typed, kind = text_of(form, "gateway", 10), text_of(form, "kind", 20) or None
    gateway = int(typed) if typed.isdecimal() else None

    def work(tx: Tx) -> tuple[Leaflet, Record, tuple[str, str]]:
        leaflet = make_leaflet(tx, desk.master, number, gateway, session.person, kind=kind, days=DAYS)
        write_down(tx, session, "pairing.made", f"patient:{number}", code=leaflet.pairing, gateway=gateway)
        ward = tx.execute(_WARD, [number]).fetchone() or ("", "")
        return leaflet, patient(tx, desk.master, number), (ward[0], ward[1])

    try:
        leaflet, one, (ward, phone) = await existing(change(desk, work))
    except CareError as error:
        return await _page(request, desk, session, {"gateway": str(error)}, 422)
    link = link_of(desk.settings.public_url, leaflet.code)
    return desk.page(
        "admin/leaflet_print.html", session=session, one=one, leaflet=leaflet, link=link, qr=qr_of(link), ward=ward,
        phone=phone, done="", problems=NO_PROBLEMS,
    )  # fmt: skip


@administrator
async def revoke(request: Request, desk: Desk, session: Session) -> Response:
    """Revoke one leaflet: its page opens no more."""
    number, pairing = request.path_params["patient"], request.path_params["code"]

    def work(tx: Tx) -> None:
        for one in revoke_code(tx, number, pairing):
            write_down(tx, session, "pairing.revoked", f"patient:{number}", code=one)

    await existing(change(desk, work))
    return go_to(f"/admin/patients/{number}/leaflets?done=revoked")


def link_of(public_url: str, code: str) -> str:
    """The address that the leaflet's QR holds."""
    return f"{public_url.rstrip('/')}/pair/{code}"


def qr_of(link: str) -> Markup:
    """The QR of a link as SVG, which a page may hold: no style and no script is in it."""
    drawn = segno.make(link, error="m").svg_inline(
        scale=1, border=4, omitsize=True, svgclass="qr", lineclass=None, light="#fff"
    )
    return Markup(drawn)  # noqa: S704  # drawn here, of an address of our own


async def _page(
    request: Request, desk: Desk, session: Session, problems: dict[str, str] | None = None, status: int = 200
) -> Response:
    number = request.path_params["patient"]

    def work(tx: Tx) -> dict[str, Any]:
        write_down(tx, session, "admin.patient.read", f"patient:{number}")
        ward = tx.execute(_WARD, [number]).fetchone()
        used = [one for one in gateways(tx) if one["revoked"] is None]
        return {"one": patient(tx, desk.master, number), "codes": codes(tx, number), "gateways": used, "ward": ward}

    found = await existing(desk.write(work))
    serving = next((one["gateway"] for one in found["one"]["devices"] if one["until"] is None), None)
    done = "Revoked: this leaflet opens nothing any more." if request.query_params.get("done") == "revoked" else ""
    return desk.page(
        "admin/leaflets.html", status=status, session=session, problems=problems or NO_PROBLEMS, done=done, days=DAYS,
        kinds=KINDS, serving=serving, **found,
    )  # fmt: skip


ROUTES: Final = [
    Route("/admin/patients/{patient:int}/leaflets", page, methods=["GET"]),
    Route("/admin/patients/{patient:int}/leaflets", make, methods=["POST"]),
    Route("/admin/patients/{patient:int}/leaflets/{code:int}/revoke", revoke, methods=["POST"]),
]
