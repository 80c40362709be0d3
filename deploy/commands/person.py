"""``vigil person``: look people up, change them, stop and let them sign in."""

from __future__ import annotations

import getpass
import os
from datetime import time
from typing import Annotated, Literal

import typer

from deploy.acting import AsJson, By, author, person_named, transaction, write_down
from deploy.errors import DeployError
from deploy.look_up import add_list, add_show
from deploy.printed import print_table

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
def channels(
    sign_in: SignIn,
    add: Annotated[str | None, typer.Option(help="a channel of the notifier, such as sms", show_default=False)] = None,
    address: Annotated[
        str | None, typer.Option(help="where it reaches them; asked for, or VIGIL_ADDRESS", show_default=False)
    ] = None,
    after: Annotated[int, typer.Option(help="seconds after the call before this channel is used")] = 0,
    quiet: Annotated[str | None, typer.Option(help="22:00-07:00: only a high then", show_default=False)] = None,
    remove: Annotated[str | None, typer.Option(help="a channel", show_default=False)] = None,
    by: Annotated[str | None, typer.Option("--by", help="your sign-in, to change them", show_default=False)] = None,
    as_json: AsJson = False,
) -> None:
    """List, add and remove the channels by which a person is called, in their order.  Without any the team's channels
    call them.

    Examples: vigil person channels m.testova;
    vigil person channels m.testova --add sms --address +441632960001 --quiet 22:00-07:00 --by m.testova;
    vigil person channels m.testova --remove sms --by m.testova
    """
    from alerts.care.channels import registered_channels
    from alerts.care.contacts import add_contact, entries_of, remove_contacts

    hours = _quiet(quiet)
    with transaction() as (tx, master):
        person = person_named(tx, sign_in)
        if add or remove:
            if by is None:
                raise DeployError("Say who changes this: --by and your sign-in.")
            who = author(tx, by)
        if add:
            there = registered_channels(tx, personal=True)
            if add not in there:
                raise DeployError(
                    f"The notifier has no channel {add}, only {', '.join(there) or 'its log'}: set it up there"
                    " (docs/notifications.md) and start vigil notify, then run this again."
                )
            if add not in registered_channels(tx) and address is None:
                address = os.environ.get("VIGIL_ADDRESS") or getpass.getpass(f"Address of {sign_in} for {add}: ")
            add_contact(tx, master, person, add, address or "", after_s=after, quiet=hours)
            write_down(tx, who, "person.channel", f"person:{person}", channel=add, after=after, quiet=quiet)
        if remove:
            if not remove_contacts(tx, person, [remove]):
                raise DeployError(f"{sign_in} has no channel {remove}: see vigil person channels {sign_in}.")
            write_down(tx, who, "person.channel_removed", f"person:{person}", channel=remove)
        found = entries_of(tx, master, person)
    records = [
        {
            "channel": one.contact.channel,
            "address": "cannot be read: add it again" if one.address is None else one.address,
            "after_s": one.contact.after_s,
            "quiet": "–".join(f"{at:%H:%M}" for at in one.contact.quiet) if one.contact.quiet else "",
        }
        for one in found
    ]
    print_table(records, as_json=as_json, empty=f"{sign_in} has no channel of their own: the team's channels call them.")


def _quiet(hours: str | None) -> tuple[time, time] | None:
    if hours is None:
        return None
    try:
        since, until = (time.fromisoformat(part) for part in hours.split("-"))
    except ValueError:
        raise DeployError(f"{hours} are no quiet hours: write such as 22:00-07:00.") from None
    return since, until


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
