"""``vigil shift``: hand a shift over, confirmed by both: show, offer, accept, withdraw."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.acting import AsJson, By, author, person_named, transaction, write_down
from deploy.logs import warnings_only
from deploy.printed import print_table

if TYPE_CHECKING:
    from alerts.database import Tx

app = typer.Typer(help="Hand a shift over: what is open, what occurred, who takes it.", no_args_is_help=True)
Offer = Annotated[int, typer.Argument(help="the hand-over's number", show_default=False)]


def register(to: typer.Typer) -> None:
    to.add_typer(app, name="shift")


@app.command()
def show(
    person: Annotated[str, typer.Argument(help="whose shift (a sign-in)", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Show what a person has in hand, patient by patient, with the newest note.

    Examples: vigil shift show m.testova; vigil shift show m.testova --json
    """
    from alerts.care.shift_summary import in_hand_of
    from alerts.database import to_datetime

    with warnings_only(), transaction() as (tx, _):
        found = in_hand_of(tx, person_named(tx, person))
    records = [
        {
            "patient": one.patient,
            "alarms": one.alarms,
            "since": to_datetime(one.since).astimezone(UTC),
            "outcome": "recorded" if one.outcome else "none",
            "note": one.note or "",
        }
        for one in found
    ]
    print_table(records, as_json=as_json, empty=f"{person} has no patient in hand.")


@app.command()
def occurred(
    team: Annotated[int, typer.Argument(help="a care team's number", show_default=False)],
    hours: Annotated[int, typer.Option(min=1, max=168, help="how far back")] = 12,
    as_json: AsJson = False,
) -> None:
    """Show what began and what people did with a team's patients, the newest first.

    Example: vigil shift occurred 1 --hours 8
    """
    from alerts.care.shift_summary import occurred as read
    from alerts.database import to_datetime

    with warnings_only(), transaction() as (tx, _):
        names = _names(tx)
        found = read(tx, [team], hours)
    records = [
        {
            "at": to_datetime(one.at).astimezone(UTC),
            "patient": one.patient,
            "what": one.outcome or one.kind,
            "reason": one.reason,
            "note": one.note,
            "by": names.get(one.actor, "the system"),
        }
        for one in found
    ]
    print_table(records, as_json=as_json, empty="No alarm began, and nothing was recorded.")


@app.command("list")
def offers(by: By, as_json: AsJson = False) -> None:
    """List the open offers from and to you.

    Example: vigil shift list --by j.sample
    """
    from alerts.care.hand_overs import open_hand_overs
    from alerts.database import to_datetime

    with warnings_only(), transaction() as (tx, _):
        names = _names(tx)
        found = open_hand_overs(tx, author(tx, by))
    records = [
        {
            "hand_over": one.number,
            "from": names.get(one.giver),
            "to": names.get(one.taker),
            "offered": to_datetime(one.offered).astimezone(UTC),
            "note": one.note,
        }
        for one in found
    ]
    print_table(records, as_json=as_json, empty="No hand-over is open.")


@app.command()
def offer(
    to: Annotated[str, typer.Argument(help="whose shift begins (a sign-in)", show_default=False)],
    by: By,
    note: Annotated[str, typer.Option(help="what is no single patient's")] = "",
) -> None:
    """Offer all that you have in hand to a colleague; it stays yours until they accept.

    Example: vigil shift offer j.sample --note "quiet night" --by m.testova
    """
    from alerts.care.hand_overs import offer as make

    with warnings_only(), transaction() as (tx, _):
        who, other = author(tx, by), author(tx, to)
        number = make(tx, who, other, note)
        write_down(tx, who, "shift.offered", f"hand_over:{number}", to=other)
    print(f"hand-over {number} is offered to {to}; they confirm it: vigil shift accept {number} --by {to}")


@app.command()
def accept(number: Offer, by: By) -> None:
    """Confirm an offer: the patients are yours.

    Example: vigil shift accept 3 --by j.sample
    """
    from alerts.care.hand_overs import accept as confirm

    with warnings_only(), transaction() as (tx, _):
        who = author(tx, by)
        given = confirm(tx, number, who)
        write_down(tx, who, "shift.handed_over", f"hand_over:{number}", alarms=[one.alarm for one in given])
    print(f"{by} has {len({one.subject for one in given})} patients now")


@app.command()
def withdraw(number: Offer, by: By) -> None:
    """Take your offer back, or decline one to you.

    Example: vigil shift withdraw 3 --by m.testova
    """
    from alerts.care.hand_overs import withdraw as end

    with warnings_only(), transaction() as (tx, _):
        who = author(tx, by)
        end(tx, number, who)
        write_down(tx, who, "shift.withdrawn", f"hand_over:{number}")
    print(f"hand-over {number} is withdrawn; nothing changed hands")


def _names(tx: Tx) -> dict[int, str]:
    return dict(tx.execute("SELECT person, sign_in FROM person").fetchall())
