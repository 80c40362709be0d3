"""An administrator's devices: who wears each, its newest events; a new one, given to a patient, taken back, corrected."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, Literal, TypeAlias, cast

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from alerts.care.devices import add_device, change_device
from alerts.care.enrol import end_enrolment, enrol, is_enrolled, transfer
from alerts.care.registers import Record, device, devices, gateways, patients
from alerts.database import Tx
from alerts.desk.errors import NotYoursError
from alerts.desk.pages.admin.guard import NO_PROBLEMS, administrator, change, go_to, write_down
from alerts.desk.web.access import existing
from alerts.desk.web.context import Desk, text_of
from alerts.desk.web.session import Session
from alerts.errors import CareError, InvalidEnrolmentError
from alerts.life.typed_number import whole_number

Source: TypeAlias = Literal["ble", "mqtt"]
MOST_SHOWN: Final = 200
_DONE: Final = {
    "added": "The device is there. Give it to a patient.",
    "given": "Given. The gateway listens to it within seconds.",
    "ended": "It is nobody's now. What it measured stays.",
    "changed": "Corrected.",
}
_FIELDS: Final = ("name", "source", "address", "interval_s")


@administrator
async def page(request: Request, desk: Desk, session: Session) -> Response:
    """Devices found by a part of their name or address, and the form for another one; the read is audited."""
    return await _page(desk, session, request.query_params.get("q", "")[:100])


@administrator
async def add(request: Request, desk: Desk, session: Session) -> Response:
    """Add a device."""
    form = await request.form()
    texts = {name: text_of(form, name, 201) for name in _FIELDS}

    def work(tx: Tx) -> int:
        number = add_device(tx, texts["name"], _source(texts["source"]), texts["address"], _interval(texts["interval_s"]))
        write_down(tx, session, "device.added", f"device:{number}")
        return number

    try:
        number = await change(desk, work)
    except CareError as error:
        return await _page(desk, session, "", texts=texts, problems={"device": str(error)})
    return go_to(f"/admin/devices/{number}?done=added")


@administrator
async def one(request: Request, desk: Desk, session: Session) -> Response:
    """One device."""
    return await _one(desk, session, request.path_params["device"], done=request.query_params.get("done", ""))


@administrator
async def act(request: Request, desk: Desk, session: Session) -> Response:
    """Give it to a patient behind a gateway, take it back, or correct its name and interval."""
    number, name, form = request.path_params["device"], request.path_params["act"], await request.form()

    def work(tx: Tx) -> str:
        if name == "give":
            return _give(tx, desk, session, number, form)
        if name == "end":
            patient = end_enrolment(tx, number, datetime.now(UTC), session.person)
            write_down(tx, session, "device.ended", f"device:{number}", patient=patient)
            return "ended"
        if name != "change":
            raise NotYoursError
        change_device(tx, number, text_of(form, "name", 201), _interval(text_of(form, "interval_s")), session.person)
        write_down(tx, session, "device.changed", f"device:{number}")
        return "changed"

    try:
        done = await existing(change(desk, work))
    except CareError as error:
        return await _one(desk, session, number, problems={"device": str(error)})
    return go_to(f"/admin/devices/{number}?done={done}")


def _give(tx: Tx, desk: Desk, session: Session, number: int, form: FormData) -> str:
    patient, gateway = whole_number(text_of(form, "patient")), whole_number(text_of(form, "gateway"))
    if not patient or not gateway:
        raise InvalidEnrolmentError("Choose a patient and a gateway.")
    at = datetime.now(UTC)
    if is_enrolled(tx, number):
        transfer(tx, desk.master, number, patient, gateway, at, session.person)
    else:
        enrol(tx, desk.master, number, patient, gateway, at, session.person)
    write_down(tx, session, "device.enrolled", f"device:{number}", patient=patient, gateway=gateway)
    return "given"


def _source(text: str) -> Source:
    if text not in ("ble", "mqtt"):
        raise InvalidEnrolmentError("Choose Bluetooth or MQTT.")
    return cast("Source", text)


def _interval(text: str) -> int:
    seconds = whole_number(text or "0")
    if seconds is None:
        raise InvalidEnrolmentError("The interval is a whole number of seconds; 0: it is used by hand.")
    return seconds


async def _page(
    desk: Desk, session: Session, wanted: str, *, texts: dict[str, str] | None = None, problems: dict[str, str] | None = None
) -> Response:
    def work(tx: Tx) -> tuple[list[Record], int]:
        words, every = wanted.casefold(), devices(tx)
        found = [row for row in every if words in f"{row['name']} {row['address']} {row['device']}".casefold()]
        names = {row["patient"]: row["name"] for row in patients(tx, desk.master)}
        write_down(tx, session, "devices.read", "")
        return [{**row, "wearer": names.get(row["patient"], "")} for row in found[:MOST_SHOWN]], len(every)

    found, count = await desk.write(work)
    return desk.page(
        "admin/devices.html", status=422 if problems else 200, session=session, found=found, count=count, wanted=wanted,
        texts=texts or {}, problems=problems or NO_PROBLEMS, done="",
    )  # fmt: skip


async def _one(
    desk: Desk, session: Session, number: int, *, done: str = "", problems: dict[str, str] | None = None
) -> Response:
    def work(tx: Tx) -> tuple[Record, list[Record], list[Record]]:
        return device(tx, number), patients(tx, desk.master), [row for row in gateways(tx) if not row["revoked"]]

    found, wearers, homes = await existing(desk.write(work))
    return desk.page(
        "admin/device.html", status=422 if problems else 200, session=session, one=found, wearers=wearers, homes=homes,
        names={row["patient"]: row["name"] for row in wearers}, done=_DONE.get(done, ""), problems=problems or NO_PROBLEMS,
    )  # fmt: skip


_ONE: Final = "/admin/devices/{device:int}"
ROUTES: Final = [
    Route("/admin/devices", page, methods=["GET"]),
    Route("/admin/devices", add, methods=["POST"]),
    Route(_ONE, one, methods=["GET"]),
    Route(f"{_ONE}/{{act}}", act, methods=["POST"]),
]
