"""A patient's limits: the editor, the saving of changes, and their state until they take effect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Final

from psycopg import AsyncConnection
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from alerts.care.limits import RULE_SET, SENT, BySide, by_side, rule_set_of, rules_of_patient, set_limits
from alerts.database import Tx
from alerts.desk.errors import BadFormError, NotAllowedError
from alerts.desk.pages.limits.limit_form import FIELDS, REASONS, Change, EditorRow, edited, rows
from alerts.desk.pages.limits.limit_history import Version, read_limit_history
from alerts.desk.web.access import check_patient
from alerts.desk.web.audit import record
from alerts.desk.web.context import Desk, signed_in, text_of
from alerts.desk.web.session import Session
from alerts.errors import CareError
from devices.wire.control import Limits

_STORE_REASON: Final = """
INSERT INTO limit_change (sequence, patient, reason, note)
SELECT max(sequence), %s, %s, %s FROM control_outbox WHERE patient = %s AND kind = 'limits'"""


@dataclass(frozen=True, slots=True)
class Editor:
    """The content of the limits card."""

    rows: list[EditorRow]
    versions: list[Version]
    defaults: BySide
    own: BySide
    fields: ClassVar = FIELDS
    reasons: ClassVar = REASONS


async def read_editor(connection: AsyncConnection[Any], patient: int) -> Editor:
    """The limits as last saved, over the rule set, with their history."""
    row = await (await connection.execute(RULE_SET)).fetchone()
    sent = await (await connection.execute(SENT, (patient,))).fetchone()
    rules = rules_of_patient(rule_set_of(row[0] if row else None), *(sent or (None, None)))
    defaults = by_side(rules.limits)
    history = await read_limit_history(connection, patient)
    versions = [version for version in history.versions if not version.unit]
    return Editor(rows(defaults, history.own), versions, defaults, history.own)


@signed_in
async def card(request: Request, desk: Desk, session: Session) -> Response:
    """The limits card."""
    patient, editor = await _patient_and_editor(request, desk, session)
    return _card(desk, session, patient, editor)


@signed_in
async def state(request: Request, desk: Desk, session: Session) -> Response:
    """The line that shows the state of the newest change."""
    patient, editor = await _patient_and_editor(request, desk, session)
    return desk.page("_limits_state.html", editor=editor, number=patient)


@signed_in
async def save(request: Request, desk: Desk, session: Session) -> Response:
    """Change limits: the whole state goes into the outbox of the log, with its author and reason."""
    number, editor = await _patient_and_editor(request, desk, session)
    if session.role == "administrator":
        raise NotAllowedError("Administrators cannot change limits: ask a nurse or clinician of the care team.")
    form = await request.form()
    texts = {name: value for name, value in form.items() if isinstance(value, str)}
    reason, note = text_of(form, "reason"), text_of(form, "note", 500)
    problems: dict[str, str] = {}
    limits, changes = Limits(), list[Change]()

    def work(tx: Tx) -> None:
        set_limits(tx, number, limits, session.person)
        tx.execute(_STORE_REASON, (number, reason, note, number))

    try:
        limits, changes = edited(editor.defaults, editor.own, texts)
        if not changes:
            problems["change"] = "Nothing was changed: change a limit first"
    except BadFormError as error:
        problems = error.problems
    if reason not in REASONS:
        problems["reason"] = "Choose a reason for the change"
    if not problems:
        try:
            await desk.write(work)
        except CareError as error:
            problems["change"] = str(error)
    if problems:
        return _card(desk, session, number, editor, status=422, problems=problems, texts=texts)
    async with desk.pool.connection() as connection:
        await record(connection, session.person, "limits.changed", f"patient:{number}", fields=len(changes))
        editor = await read_editor(connection, number)
    await desk.reader.refresh(slow=True)
    return _card(desk, session, number, editor, saved=True)


async def _patient_and_editor(request: Request, desk: Desk, session: Session) -> tuple[int, Editor]:
    patient = request.path_params["patient"]
    async with desk.pool.connection() as connection:
        await check_patient(connection, session, patient)
        return patient, await read_editor(connection, patient)


def _card(desk: Desk, session: Session, number: int, editor: Editor, *, status: int = 200, **values: Any) -> Response:
    values = {"problems": {}, "texts": {}, "saved": False, **values}
    return desk.page("_limits.html", status=status, editor=editor, number=number, session=session, **values)


ROUTES: Final = [
    Route("/patients/{patient:int}/limits", card, methods=["GET"]),
    Route("/patients/{patient:int}/limits", save, methods=["POST"]),
    Route("/patients/{patient:int}/limits/standing", state, methods=["GET"]),
]
