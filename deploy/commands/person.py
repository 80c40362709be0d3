"""``vigil person``: look people up, change them, stop and let them sign in."""

from __future__ import annotations

import getpass
import os
from typing import Annotated, Literal

import typer

from deploy.acting import By, author, person_named, transaction, write_down
from deploy.errors import DeployError
from deploy.look_up import add_list, add_show

app = typer.Typer(help="Look people up, change name, role and password, stop and let them sign in.", no_args_is_help=True)
SignIn = Annotated[str, typer.Argument(help="as they sign in", show_default=False)]


def register(to: typer.Typer) -> None:
    to.add_typer(app, name="person")


add_list(app, "person", "List the people who sign in at the desk, also disabled ones.", "vigil pair person")
add_show(
    app,
    "person",
    "Show one person: name, role, care teams, and whether they may sign in.",
    SignIn,
    "m.testova",
    person_named,
)


@app.command()
def disable(sign_in: SignIn, by: By) -> None:
    """Stop a person from signing in, and end their sessions now.  Undo: vigil person enable.

    Example: vigil person disable m.testova --by a.boss
    """
    from alerts.care.people import disable_person

    with transaction() as (tx, _):
        who, person = author(tx, by), person_named(tx, sign_in)
        disable_person(tx, person)
        write_down(tx, who, "person.disabled", f"person:{person}")
    print(f"{sign_in} can sign in no more; undo: vigil person enable {sign_in} --by {by}")


@app.command()
def enable(sign_in: SignIn, by: By) -> None:
    """Let a disabled person sign in again, with the password they had.

    Example: vigil person enable m.testova --by a.boss
    """
    from alerts.care.people import enable_person

    with transaction() as (tx, _):
        who, person = author(tx, by), person_named(tx, sign_in)
        enable_person(tx, person)
        write_down(tx, who, "person.enabled", f"person:{person}")
    print(f"{sign_in} can sign in again")


@app.command()
def password(sign_in: SignIn, by: By) -> None:
    """Set a new password, which is asked for or read from VIGIL_PASSWORD, and end the person's sessions now.

    Example: vigil person password m.testova --by m.testova
    """
    from alerts.care.people import set_password

    new = os.environ.get("VIGIL_PASSWORD") or getpass.getpass(f"New password of {sign_in}: ")
    with transaction() as (tx, _):
        who, person = author(tx, by), person_named(tx, sign_in)
        set_password(tx, person, new)
        write_down(tx, who, "person.password", f"person:{person}")
    print(f"{sign_in} has a new password and signs in with it")


@app.command()
def change(
    sign_in: SignIn,
    by: By,
    name: Annotated[str | None, typer.Option(help="as colleagues know them", show_default=False)] = None,
    role: Annotated[Literal["nurse", "clinician", "administrator"] | None, typer.Option(show_default=False)] = None,
) -> None:
    """Correct a person's name or role; they sign in again.

    Example: vigil person change m.testova --role clinician --by a.boss
    """
    from alerts.care.people import change_person

    if name is None and role is None:
        raise DeployError("Name what has changed: --name or --role.")
    with transaction() as (tx, _):
        who, person = author(tx, by), person_named(tx, sign_in)
        row = tx.execute("SELECT name, role FROM person WHERE person = %s", [person]).fetchone()
        assert row is not None
        change_person(tx, person, name=name or row[0], role=role or row[1])
        write_down(tx, who, "person.changed", f"person:{person}", role=role)
    print(f"{sign_in} is changed and signs in again")
