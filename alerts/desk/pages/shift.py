"""The hand-over of a shift: what is open, what occurred, notes, who takes it; confirmed by both."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from alerts.care.hand_overs import HandOver, accept, offer, open_hand_overs, withdraw
from alerts.care.hands import able_to_act
from alerts.care.shift_summary import InHand, Occurred, in_hand_of, occurred
from alerts.database import Tx
from alerts.desk.pages.worklist import newest
from alerts.desk.web.access import existing
from alerts.desk.web.audit import record
from alerts.desk.web.context import Desk, shown_now, signed_in, text_of
from alerts.desk.web.session import Session
from alerts.errors import CareError, RefusedError
from alerts.life.typed_number import whole_number

HOURS: Final = 12
_DONE: Final = {
    "offered": "Offered. What you have stays yours until it is confirmed.",
    "withdrawn": "Withdrawn. Nothing changed hands.",
    "accepted": "Confirmed. These patients are yours now.",
}


@signed_in
async def page(request: Request, desk: Desk, session: Session) -> Response:
    """The patients I have, the events of my shift, and to whom I hand over; offers to me."""
    return await _page(request, desk, session)


@signed_in
async def make_offer(request: Request, desk: Desk, session: Session) -> Response:
    """Offer what I have to a colleague."""
    form = await request.form()
    to, note = whole_number(text_of(form, "to")), text_of(form, "note", 2001)
    if to is None:
        return await _page(request, desk, session, problem="Choose who takes over.", note=note)
    try:
        number = await desk.write(lambda tx: offer(tx, session.person, to, note))
    except (RefusedError, CareError) as error:
        return await _page(request, desk, session, problem=str(error), note=note)
    return await _after(desk, session, "shift.offered", number, "offered", to=to)


@signed_in
async def take(request: Request, desk: Desk, session: Session) -> Response:
    """Confirm an offer to me."""
    number = request.path_params["number"]
    try:
        given = await existing(desk.write(lambda tx: accept(tx, number, session.person)))
    except RefusedError as error:
        return await _page(request, desk, session, problem=str(error))
    return await _after(desk, session, "shift.handed_over", number, "accepted", alarms=[one.alarm for one in given])


@signed_in
async def take_back(request: Request, desk: Desk, session: Session) -> Response:
    """Withdraw my offer, or decline one to me."""
    number = request.path_params["number"]
    try:
        await existing(desk.write(lambda tx: withdraw(tx, number, session.person)))
    except RefusedError as error:
        return await _page(request, desk, session, problem=str(error))
    return await _after(desk, session, "shift.withdrawn", number, "withdrawn")


async def _after(desk: Desk, session: Session, action: str, number: int, done: str, **detail: object) -> Response:
    async with desk.pool.connection() as connection:
        await record(connection, session.person, action, f"hand_over:{number}", **detail)
    await desk.reader.refresh(slow=True)
    return RedirectResponse(f"/shift?done={done}", 303)


async def _page(request: Request, desk: Desk, session: Session, *, problem: str = "", note: str = "") -> Response:
    snapshot = await newest(desk)
    teams = sorted(session.teams)

    def work(tx: Tx) -> tuple[list[HandOver], dict[int, list[InHand]], list[Occurred], list[tuple[int, str, str]]]:
        offers = open_hand_overs(tx, session.person)
        hands = {person: in_hand_of(tx, person) for person in {session.person, *(one.giver for one in offers)}}
        mine = [one.patient for one in hands[session.person]]
        return offers, hands, occurred(tx, teams, HOURS), able_to_act(tx, mine)

    offers, hands, events, able = await desk.write(work)
    theirs = {number: one for number, one in snapshot.patients.items() if one.team in session.teams}
    async with desk.pool.connection() as connection:
        await record(connection, session.person, "shift.read", "", teams=teams)
    shown: dict[str, Any] = shown_now(desk, session, snapshot)
    return desk.page(
        "shift.html", status=422 if problem else 200, problem=problem, note=note, offers=offers, hours=HOURS,
        hands={person: [one for one in has if one.patient in theirs] for person, has in hands.items()},
        events=_by_patient(theirs, events), alarms={one.alarm: one for one in snapshot.alarms},
        colleagues=[one for one in able if one[0] != session.person],
        done=_DONE.get(request.query_params.get("done", ""), ""), waiting=_waiting(desk, session),
        **shown,
    )  # fmt: skip


def _waiting(desk: Desk, session: Session) -> int:
    """The patients of these teams whom nobody has taken."""
    return sum(line.group == "open" for line in desk.reader.view(session.teams))


def _by_patient(patients: Any, events: list[Occurred]) -> list[tuple[Any, list[Occurred]]]:
    """The events of each patient, the newest first; who had the newest event comes first."""
    found: dict[int, list[Occurred]] = defaultdict(list)
    for one in events:
        if one.patient in patients:
            found[one.patient].append(one)
    return [(patients[number], of) for number, of in found.items()]


ROUTES: Final = [
    Route("/shift", page, methods=["GET"]),
    Route("/shift", make_offer, methods=["POST"]),
    Route("/shift/{number:int}/accept", take, methods=["POST"]),
    Route("/shift/{number:int}/withdraw", take_back, methods=["POST"]),
]
