"""``vigil team``: care teams, their members, and the channels that tell them of alarms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from deploy.acting import By, author, person_named, transaction, write_down
from deploy.errors import DeployError
from deploy.look_up import add_list, add_show

if TYPE_CHECKING:
    from alerts.care.channels import TeamChannels

app = typer.Typer(help="Look care teams up, change members and the channels that tell them.", no_args_is_help=True)
Number = Annotated[int, typer.Argument(help="the team's number", show_default=False)]


def register(to: typer.Typer) -> None:
    to.add_typer(app, name="team")


add_list(app, "team", "List the care teams, the channels that tell each, and whether those reach people.", "vigil pair team")
add_show(app, "team", "Show a care team: its channels and its members.", Number, "1")


@app.command()
def channels(
    team: Number,
    by: By,
    names: Annotated[list[str] | None, typer.Argument(help="such as webhook", show_default=False)] = None,
    every: Annotated[bool, typer.Option("--every", help="every channel of the notifier, also later ones")] = False,
) -> None:
    """Choose the channels that tell a team of its alarms.  Until somebody chooses, every channel of the notifier does.

    The channel log writes a line into the notifier's log and reaches nobody.  A channel that the notifier does not have
    is refused: set it up there first (VIGIL_NOTIFY_WEBHOOK_URL), and start vigil notify.

    Examples: vigil team channels 1 webhook log --by m.testova; vigil team channels 1 --every --by m.testova
    """
    from alerts.care.channels import LOG, registered_channels, team_channels
    from alerts.care.teams import set_channels

    chosen = list(dict.fromkeys(names or []))
    if every == bool(chosen):
        raise DeployError("Name the team's channels, or say --every: vigil team channels 1 webhook.")
    with transaction() as (tx, _):
        who = author(tx, by)
        there = [*registered_channels(tx), LOG]
        if unknown := [one for one in chosen if one not in there]:
            raise DeployError(
                f"The notifier has no channel {unknown[0]}, only {', '.join(there)}: set it up there"
                " (VIGIL_NOTIFY_WEBHOOK_URL for webhook) and start vigil notify, then run this again."
            )
        set_channels(tx, team, chosen)
        write_down(tx, who, "team.channels", f"team:{team}", channels=chosen)
        (found,) = [one for one in team_channels(tx) if one.team == team]
    print(sentence_about(found))


@app.command()
def phone(
    team: Number, by: By, number: Annotated[str, typer.Argument(help="as patients dial it; empty: none", show_default=False)]
) -> None:
    """Set the telephone number that stands on each screen of the patients' own pages.  Without one no leaflet is made.

    Example: vigil team phone 1 "030 1234567" --by a.boss
    """
    from alerts.care.teams import set_phone

    with transaction() as (tx, _):
        who = author(tx, by)
        set_phone(tx, team, number)
        write_down(tx, who, "team.phone", f"team:{team}")
    print(f"patients of team {team} call {number.strip()}" if number.strip() else f"team {team} has no number for patients")


def sentence_about(team: TeamChannels) -> str:
    """The sentence about the channels of a team."""
    if team.reaches_people:
        return f"Team {team.team} ({team.name}) is told by {', '.join(team.used)}."
    return (
        f"Team {team.team} ({team.name}) is told by {', '.join(team.used)} alone: nobody is paged,"
        " somebody must look at the desk."
    )


@app.command()
def join(team: Number, sign_in: Annotated[str, typer.Argument(show_default=False)], by: By) -> None:
    """Make a person a member, who sees this team's patients from now on; also one who left.

    Example: vigil team join 1 m.testova --by a.boss
    """
    from alerts.care.teams import join as begin

    with transaction() as (tx, _):
        who, person = author(tx, by), person_named(tx, sign_in)
        begin(tx, person, team)
        write_down(tx, who, "team.joined", f"person:{person}", team=team)
    print(f"{sign_in} is a member of team {team}")


@app.command()
def leave(team: Number, sign_in: Annotated[str, typer.Argument(show_default=False)], by: By) -> None:
    """End a membership: the person sees this team's patients no more.  Undo: vigil team join.

    Example: vigil team leave 1 m.testova --by a.boss
    """
    from alerts.care.teams import leave as end

    with transaction() as (tx, _):
        who, person = author(tx, by), person_named(tx, sign_in)
        if not end(tx, person, team):
            raise DeployError(f"{sign_in} is no member of team {team}: see vigil team show {team}.")
        write_down(tx, who, "team.left", f"person:{person}", team=team)
    print(f"{sign_in} left team {team}; undo: vigil team join {team} {sign_in} --by {by}")
