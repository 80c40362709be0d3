"""An administrator's patients: the list, and admission, correction, discharge and readmission of one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, NamedTuple

import msgspec
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from alerts.care.admit import admit_patient, discharge_patient, identity_of, readmit_patient
from alerts.care.consent import give_consent
from alerts.care.correct import correct_identity
from alerts.care.identity import Identity, identifiers, identity_problems
from alerts.care.registers import UNREADABLE, Record, patient, patients
from alerts.database import Tx, local_today
from alerts.desk.errors import BadFormError
from alerts.desk.pages.admin.guard import NO_PROBLEMS, administrator, change, go_to, write_down
from alerts.desk.web.access import existing
from alerts.desk.web.context import Desk, Handler, text_of
from alerts.desk.web.session import Session
from alerts.errors import CareError, DuplicateRecordError, InCareError, NotInCareError, UnknownRecordError
from devices.errors import DeviceError
from devices.wire.control import Facts

MOST_SHOWN: Final = 200
_TEAMS: Final = "SELECT team, name FROM care_team ORDER BY team"
_DONE: Final = {
    "admitted": "Admitted. Next, a wearable and a gateway are given: vigil pair.",
    "corrected": "Corrected. The worklist shows it.",
    "discharged": "Discharged. The wearables are nobody's now, and the lists show the patient no more.",
    "readmitted": "In care again, with facts, limits and consent as they were. Give the wearables again: vigil pair move.",
    "consent": "The consent is recorded.",
}


_ACTS: Final = {  # the action in the audit, and the sentence afterwards
    "discharge": ("patient.discharged", "discharged"),
    "readmit": ("patient.readmitted", "readmitted"),
    "consent": ("consent.given", "consent"),
    "withdraw": ("consent.withdrawn", "consent"),
}


class Form(NamedTuple):
    """The texts that were typed, by field, and what is wrong with them."""

    texts: dict[str, str]
    problems: dict[str, str]


@administrator
async def page(request: Request, desk: Desk, session: Session) -> Response:
    """The patients of every care team, found by words of their name or by record number; the read is audited."""
    wanted = request.query_params.get("q", "")[:100]
    everyone = request.query_params.get("all") == "1"

    def work(tx: Tx) -> list[Record]:
        write_down(tx, session, "admin.patients.read", "", discharged=everyone)
        return patients(tx, desk.master, discharged=everyone)

    found = [row for row in await desk.write(work) if _matches(row, wanted)]
    names = await read_teams(desk)
    return desk.page(
        "admin/patients.html", session=session, found=found[:MOST_SHOWN], count=len(found), wanted=wanted,
        everyone=everyone, teams=names, done="", problems=NO_PROBLEMS,
    )  # fmt: skip


@administrator
async def new(request: Request, desk: Desk, session: Session) -> Response:
    """The form that admits a patient."""
    return await _new(desk, session, Form({}, {}))


@administrator
async def admit(request: Request, desk: Desk, session: Session) -> Response:
    """Admit a patient to a care team."""
    form = await request.form()
    identity, filled = _identity(form)
    filled.texts["team"], filled.texts["consent"] = text_of(form, "team", 10), text_of(form, "consent", 3)
    names = await read_teams(desk)
    if filled.texts["team"] not in {str(team) for team in names}:
        filled.problems["team"] = "Choose the care team that watches."

    def work(tx: Tx) -> int:
        _check(tx, identity, filled)
        number = admit_patient(tx, desk.master, identity, int(filled.texts["team"]), Facts(), session.person)
        write_down(tx, session, "patient.admitted", f"patient:{number}")
        if filled.texts["consent"] == "yes":
            give_consent(tx, number, True, session.person)
            write_down(tx, session, "consent.given", f"patient:{number}")
        return number

    try:
        number = await change(desk, work)
    except (CareError, BadFormError) as error:
        return await _new(desk, session, _refused(filled, error), 422)
    return go_to(f"/admin/patients/{number}?done=admitted")


@administrator
async def one(request: Request, desk: Desk, session: Session) -> Response:
    """One patient: identity, consent, discharge; the read is audited."""
    return await _one(request, desk, session, None, request.query_params.get("done", ""))


@administrator
async def correct(request: Request, desk: Desk, session: Session) -> Response:
    """Correct a patient's identity."""
    number, form = request.path_params["patient"], await request.form()
    identity, filled = _identity(form)

    def work(tx: Tx) -> None:
        _check(tx, identity, filled)
        before = _known(tx, desk.master, number)
        correct_identity(tx, desk.master, number, identity, session.person)
        fields = [name for name in Identity.__struct_fields__ if before is None or before[name] != getattr(identity, name)]
        write_down(tx, session, "identity.corrected", f"patient:{number}", fields=sorted(fields))

    try:
        await existing(change(desk, work))
    except (CareError, BadFormError) as error:
        return await _one(request, desk, session, _refused(filled, error), "", 422)
    return go_to(f"/admin/patients/{number}?done=corrected")


def _act(chosen: str) -> Handler:
    """The route that discharges or readmits a patient, or records consent or its withdrawal."""
    action, done = _ACTS[chosen]

    @administrator
    async def act(request: Request, desk: Desk, session: Session) -> Response:
        number = request.path_params["patient"]

        def work(tx: Tx) -> None:
            match chosen:
                case "discharge":
                    discharge_patient(tx, number, datetime.now(UTC), session.person)
                case "readmit":
                    readmit_patient(tx, number, session.person)
                case _:
                    give_consent(tx, number, chosen == "consent", session.person)
            write_down(tx, session, action, f"patient:{number}")

        try:
            await existing(change(desk, work))
        except CareError as error:
            return await _one(request, desk, session, _refused(Form({}, {}), error), "", 422)
        return go_to(f"/admin/patients/{number}?done={done}")

    return act


def _identity(form: FormData) -> tuple[Identity, Form]:
    texts = {name: text_of(form, name) for name in Identity.__struct_fields__}
    return Identity(**texts), Form(texts, {})


def _check(tx: Tx, identity: Identity, filled: Form) -> None:
    filled.problems.update(identity_problems(identity, local_today(tx)))
    if "record" not in identifiers(identity):
        filled.problems.setdefault("record_number", "The record number is blank: give the one that the ward uses.")
    if filled.problems:
        raise BadFormError(filled.problems)


def _refused(filled: Form, error: CareError | BadFormError) -> Form:
    """The form with the sentence about ``error``, which leads to a page and not to a command."""
    match error:
        case BadFormError():
            pass
        case DuplicateRecordError():
            state = ", who is discharged," if error.discharged else ""
            cure = "take that patient into care again" if error.discharged else "check the number"
            text = f"Patient {error.patient}{state} has this record number already: {cure}."
            filled.problems["record_number"] = text
        case NotInCareError():
            filled.problems["patient"] = "This patient is discharged: first take the patient into care again."
        case InCareError():
            filled.problems["patient"] = "This patient is in care: there is nothing to undo."
        case _:
            filled.problems["patient"] = str(error)
    return filled


def _matches(one: Record, wanted: str) -> bool:
    text = f"{one['name']} {one['record_number'] or ''} {one['patient']}".casefold()
    return all(word in text for word in wanted.casefold().replace(",", " ").split())


def _known(tx: Tx, master: bytes, number: int) -> dict[str, str] | None:
    """The identity of a patient by field; ``None`` if it cannot be read."""
    try:
        return msgspec.structs.asdict(identity_of(tx, master, number))
    except UnknownRecordError:
        raise
    except (DeviceError, CareError):
        return None


async def read_teams(desk: Desk) -> dict[int, str]:
    """The names of the care teams."""
    return dict(await desk.write(lambda tx: tx.execute(_TEAMS).fetchall()))


async def _new(desk: Desk, session: Session, filled: Form, status: int = 200) -> Response:
    return desk.page(
        "admin/admit.html", status=status, session=session, texts=filled.texts, problems=filled.problems,
        teams=await read_teams(desk), done="",
    )  # fmt: skip


async def _one(
    request: Request, desk: Desk, session: Session, filled: Form | None, done: str, status: int = 200
) -> Response:
    number = request.path_params["patient"]

    def work(tx: Tx) -> tuple[Record, dict[str, str]]:
        found = patient(tx, desk.master, number)
        write_down(tx, session, "admin.patient.read", f"patient:{number}")
        return found, _known(tx, desk.master, number) or {}

    found, known = await existing(desk.write(work))
    names = await read_teams(desk)
    return desk.page(
        "admin/patient.html", status=status, session=session, one=found, unreadable=found["name"] == UNREADABLE,
        texts=filled.texts if filled and filled.texts else known, problems=filled.problems if filled else NO_PROBLEMS,
        team=names.get(found["team"], ""), done=_DONE.get(done, ""), undo=done == "discharged",
    )  # fmt: skip


ROUTES: Final = [
    Route("/admin/patients", page, methods=["GET"]),
    Route("/admin/patients/new", new, methods=["GET"]),
    Route("/admin/patients/new", admit, methods=["POST"]),
    Route("/admin/patients/{patient:int}", one, methods=["GET"]),
    Route("/admin/patients/{patient:int}", correct, methods=["POST"]),
    Route("/admin/patients/{patient:int}/discharge", _act("discharge"), methods=["POST"]),
    Route("/admin/patients/{patient:int}/readmit", _act("readmit"), methods=["POST"]),
    Route("/admin/patients/{patient:int}/consent", _act("consent"), methods=["POST"]),
    Route("/admin/patients/{patient:int}/withdraw", _act("withdraw"), methods=["POST"]),
]
