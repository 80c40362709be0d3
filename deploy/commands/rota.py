"""``vigil rota``: who is on duty, who is called after whom, overrides and swaps, calendars, and holes."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.acting import AsJson, By, author, person_named, transaction, write_down
from deploy.errors import DeployError
from deploy.printed import print_record, print_table

if TYPE_CHECKING:
    from alerts.care.reach import TeamReach
    from alerts.database import Tx
    from alerts.rota.rota import Rota

app = typer.Typer(help="See and set who is on duty in a care team and who is called after whom.", no_args_is_help=True)
Team = Annotated[int, typer.Argument(help="the team's number", show_default=False)]
Layer = Annotated[str, typer.Argument(help="a layer of the rota", show_default=False)]
SignIn = Annotated[str, typer.Argument(help="as they sign in", show_default=False)]
File = Annotated[Path, typer.Argument(help="a rota file (TOML)", show_default=False)]
Days = Annotated[int, typer.Option("--days", min=1, max=366)]
_FORMS = ("%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%d")


def register(to: typer.Typer) -> None:
    to.add_typer(app, name="rota")


@app.command()
def show(
    team: Team,
    file: Annotated[bool, typer.Option("--file", help="the file as it was set")] = False,
    as_json: AsJson = False,
) -> None:
    """Show who has each layer of a team now and next, and who is called after whom.

    Examples: vigil rota show 1; vigil rota show 1 --file > rota.toml; vigil rota show 1 --json
    """
    from alerts.care.rotas import rota_source

    with transaction() as (tx, _):
        if file:
            source = rota_source(tx, team)
            if source is None:
                raise DeployError(f"Team {team} has no rota: set one with vigil rota set {team} FILE.")
            print(source, end="")
            return
        book = _book(tx, team)
        from alerts.database import now

        at = now(tx)
    print_record(_record(book, at), as_json=as_json)


@app.command()
def check(file: File) -> None:
    """Check a rota file; every error comes with its file and line.  Needs no server.

    Example: vigil rota check rota.toml
    """
    rota = _read(file)[1]
    print(f"{file} is a rota with the layers {', '.join(rota.names)}.")


@app.command("set")
def set_file(team: Team, file: File, by: By) -> None:
    """Make a file the rota of a team: from now on its alarms call whom it names.  Undo: set the former one, or vigil
    rota remove.

    Example: vigil rota set 1 rota.toml --by a.boss
    """
    from alerts.care.rotas import set_rota
    from alerts.database import now

    text, _ = _read(file)
    with transaction() as (tx, _):
        who = author(tx, by)
        set_rota(tx, team, text, who)
        write_down(tx, who, "rota.set", f"team:{team}")
        book = _book(tx, team)
        at = now(tx)
        holes = book.holes(at, at + timedelta(days=7))
    print(f"Alarms of team {team} call by this rota: high {_steps(book, 'high')}.")
    if holes:
        print(f"It has {_count(len(holes), 'hole')} in the next 7 days: see vigil rota holes {team}.")


@app.command()
def remove(team: Team, by: By) -> None:
    """Let alarms call the whole team by its channels again, as without a rota.  Undo: vigil rota set.

    Example: vigil rota remove 1 --by a.boss
    """
    from alerts.care.rotas import remove_rota

    with transaction() as (tx, _):
        who = author(tx, by)
        remove_rota(tx, team)
        write_down(tx, who, "rota.removed", f"team:{team}")
    print(f"Team {team} has no rota: its alarms call the whole team")


@app.command()
def holes(team: Team, days: Days = 7, as_json: AsJson = False) -> None:
    """List the times in which nobody is on duty in a layer, or nobody whom a channel reaches.

    Example: vigil rota holes 1 --days 30
    """
    from alerts.database import now

    with transaction() as (tx, _):
        book = _book(tx, team)
        at = now(tx)
    zone = book.rota.zone
    found = [
        {"layer": one.layer, "since": _local(one.since, zone), "until": _local(one.until, zone), "reason": one.reason}
        for one in book.holes(at, at + timedelta(days=days))
    ]
    print_table(found, as_json=as_json, empty=f"The rota of team {team} has no hole in the next {days} days.")


@app.command()
def override(
    team: Team,
    layer: Layer,
    sign_in: SignIn,
    since: Annotated[str, typer.Option("--from", help="2026-12-24T07:00, in the team's time zone", show_default=False)],
    until: Annotated[str, typer.Option("--to", help="2026-12-25T07:00", show_default=False)],
    by: By,
) -> None:
    """Let a person have a layer for a time, whoever has the turn.  Undo: vigil rota withdraw.

    Example: vigil rota override 1 nurse j.sample --from 2026-12-24T07:00 --to 2026-12-25T07:00 --by a.boss
    """
    from alerts.care.rotas import override as put
    from alerts.care.rotas import rota_there
    from alerts.rota.rota import Duty

    with transaction() as (tx, _):
        who, person = author(tx, by), person_named(tx, sign_in)
        rota = rota_there(tx, team)
        duty = Duty(layer, sign_in.strip().casefold(), _time(since, rota), _time(until, rota))
        number = put(tx, team, duty, who)
        write_down(tx, who, "rota.override", f"team:{team}", layer=layer, person=person, override=number)
    print(f"{sign_in} has {layer} from {since} to {until}; undo: vigil rota withdraw {team} {number} --by {by}")


@app.command()
def swap(
    team: Team,
    layer: Layer,
    first: SignIn,
    second: Annotated[str, typer.Argument(help="as they sign in", show_default=False)],
    by: By,
    as_json: AsJson = False,
) -> None:
    """Let two people take each other's next turn in a layer.  Undo: the same again, or vigil rota withdraw.

    Example: vigil rota swap 1 nurse m.testova j.sample --by a.boss
    """
    from alerts.care.rotas import rota_there
    from alerts.care.rotas import swap as exchange

    with transaction() as (tx, _):
        who = author(tx, by)
        numbers = [person_named(tx, one) for one in (first, second)]
        found = exchange(tx, team, layer, first.strip().casefold(), second.strip().casefold(), who)
        zone = rota_there(tx, team).zone
        write_down(tx, who, "rota.swap", f"team:{team}", layer=layer, people=numbers)
    records = [
        {"layer": one.layer, "person": one.person, "since": _local(one.since, zone), "until": _local(one.until, zone)}
        for one in found
    ]
    print_table(records, as_json=as_json, empty="")


@app.command()
def withdraw(
    team: Team, number: Annotated[int, typer.Argument(help="of vigil rota overrides", show_default=False)], by: By
) -> None:
    """Take an override back: the turns count again.

    Example: vigil rota withdraw 1 7 --by a.boss
    """
    from alerts.care.rotas import withdraw as take_back

    with transaction() as (tx, _):
        who = author(tx, by)
        take_back(tx, team, number)
        write_down(tx, who, "rota.withdrawn", f"team:{team}", override=number)
    print(f"Override {number} is withdrawn; see vigil rota show {team}")


@app.command()
def overrides(team: Team, as_json: AsJson = False) -> None:
    """List the overrides and swaps that are not over, each with its number.

    Example: vigil rota overrides 1
    """
    from alerts.care.rotas import rota_there

    with transaction() as (tx, _):
        rota = rota_there(tx, team)
    found = [
        {
            "override": one.number,
            "layer": one.layer,
            "person": one.person,
            "since": _local(one.since, rota.zone),
            "until": _local(one.until, rota.zone),
        }
        for one in rota.overrides
    ]
    print_table(found, as_json=as_json, empty=f"The rota of team {team} has no override.")


@app.command("import")
def import_file(
    team: Team, file: Annotated[Path, typer.Argument(help="iCalendar (.ics)", show_default=False)], by: By
) -> None:
    """Take the events of a calendar as overrides: each has the summary "layer: sign-in".  All of them, or an error.

    A second import of the same file changes nothing.

    Example: vigil rota import 1 december.ics --by a.boss
    """
    from alerts.care.rotas import overrides as put
    from alerts.care.rotas import rota_there
    from alerts.rota.calendar import from_calendar

    content = _bytes(file)
    with transaction() as (tx, _):
        who = author(tx, by)
        rota = rota_there(tx, team)
        numbers = put(tx, team, from_calendar(content, rota.names, rota.zone), who)
        write_down(tx, who, "rota.imported", f"team:{team}", overrides=len(numbers))
    print(f"{_count(len(numbers), 'override')} of team {team} from {file}; see vigil rota overrides {team}")


@app.command()
def export(
    team: Team,
    file: Annotated[Path | None, typer.Option("--file", help="write here, not to the terminal", show_default=False)] = None,
    days: Days = 28,
    of: Annotated[str | None, typer.Option("--of", help="one person's duties alone", show_default=False)] = None,
) -> None:
    """Write who is on duty as iCalendar, for the calendar of a telephone.

    Example: vigil rota export 1 --days 90 --file rota.ics
    """
    from alerts.database import now
    from alerts.rota.calendar import as_calendar
    from alerts.rota.rota import duties

    with transaction() as (tx, _):
        book = _book(tx, team)
        at = now(tx)
    found = [one for layer in book.rota.names for one in duties(book.rota, layer, at, at + timedelta(days=days))]
    if of is not None:
        found = [one for one in found if one.person == of.strip().casefold()]
    content = as_calendar(team, book.team.name, found, at)
    if file is None:
        sys.stdout.write(content.decode())
    else:
        file.write_bytes(content)
        print(f"{_count(sum(one.person is not None for one in found), 'duty', 'duties')} in {file}")


def _book(tx: Tx, team: int) -> TeamReach:
    from alerts.care.reach import reach_of
    from alerts.care.rotas import rota_there

    rota_there(tx, team)  # a sentence where there is none
    book = reach_of(tx, team)
    assert book is not None
    return book


def _record(book: TeamReach, at: datetime) -> dict[str, object]:
    from alerts.rota.rota import now_and_next

    rota = book.rota
    layers = []
    for layer in rota.names:
        duty, after = now_and_next(rota, layer, at)
        layers.append(
            {
                "layer": layer,
                "now": duty.person or "nobody",
                "until": _local(duty.until, rota.zone),
                "next": (after.person or "nobody") if after else "the same",
                "reaches": "yes" if book.hole(layer, at) is None else f"no, {book.hole(layer, at)}",
            }
        )
    return {
        "team": book.team.team,
        "name": book.team.name,
        "zone": rota.zone.key,
        "manager": rota.manager,
        "on_duty": layers,
        "high": _steps(book, "high"),
        "medium": _steps(book, "medium"),
    }


def _steps(book: TeamReach, word: str) -> str:
    from streams.engine.condition import Priority

    steps = book.rota.policy.of(Priority[word.upper()])
    if not steps:
        return "the whole team"
    return ", ".join(f"{' and '.join(step.call)} for {step.wait_min} min" for step in steps) + ", then again from the first"


def _read(file: Path) -> tuple[str, Rota]:
    from alerts.rota.errors import RotaFileError
    from alerts.rota.rota_file import read_rota_file

    try:
        text = _bytes(file).decode()
        return text, read_rota_file(text)
    except UnicodeDecodeError:
        raise DeployError(f"{file} is no text in UTF-8: save it as that.") from None
    except RotaFileError as error:
        lines = "\n".join(f"{file}:{one.line}: {one.message}" for one in error.faults)
        raise DeployError(f"{lines}\nNothing was set: mend these and run it again.") from None


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise DeployError(f"{file} cannot be read ({error.strerror}): give the path of a file.") from None


def _time(text: str, rota: Rota) -> datetime:
    for form in _FORMS:
        try:
            return datetime.strptime(text, form).replace(tzinfo=rota.zone).astimezone(UTC)
        except ValueError:
            continue
    raise DeployError(f"{text} is no time: write it as 2026-12-24T07:00, in the team's time zone ({rota.zone.key}).")


def _local(at: datetime, zone: object) -> str:
    from zoneinfo import ZoneInfo

    assert isinstance(zone, ZoneInfo)
    return at.astimezone(zone).isoformat(timespec="minutes")


def _count(n: int, word: str, many: str = "") -> str:
    return f"1 {word}" if n == 1 else f"{n} {many or word + 's'}"
