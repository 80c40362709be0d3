"""``vigil rules``: rule sets as files: check, show, apply, and who applied which one when and why."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.acting import AsJson, By, author, transaction, write_down
from deploy.errors import DeployError
from deploy.printed import print_table

if TYPE_CHECKING:
    from alerts.rules.sets.rule_file import RuleFile

app = typer.Typer(
    help="Check a rule file, show and apply rule sets, and say who applied which one when and why.", no_args_is_help=True
)
File = Annotated[Path, typer.Argument(help="a rule file (TOML)", show_default=False)]
Version = Annotated[int | None, typer.Option("--version", help="of vigil rules history; without it the newest")]


def register(to: typer.Typer) -> None:
    to.add_typer(app, name="rules")


@app.command()
def check(file: File, as_json: AsJson = False) -> None:
    """Check a rule file and say what it raises; every error comes with its file and line.  Needs no server.

    Example: vigil rules check heart-failure.toml
    """
    from alerts.rules.sets.described import described

    found = checked_file(file)
    print_table([asdict(one) for one in described(found)], as_json=as_json, empty="This file raises nothing.")


@app.command("list")
def show_rules(version: Version = None, as_json: AsJson = False) -> None:
    """List the rules of the set in force in plain language, each with its source.

    Example: vigil rules list
    """
    from alerts.care.rule_sets import version as version_of
    from alerts.rules.sets.described import described

    with transaction() as (tx, _):
        found, _text = version_of(tx, version)
    print_table([asdict(one) for one in described(found)], as_json=as_json, empty="This set raises nothing.")


@app.command()
def show(version: Version = None) -> None:
    """Print the file of a rule set: the start of your own.

    Example: vigil rules show > ours.toml
    """
    from alerts.care.rule_sets import version as version_of

    with transaction() as (tx, _):
        _found, text = version_of(tx, version)
    print(text, end="")


@app.command()
def apply(
    file: File,
    by: By,
    reason: Annotated[str, typer.Option("--why", help="the reason, kept with the version", show_default=False)],
) -> None:
    """Make a rule file the newest version.  It goes to every partition of the log and counts from its place there on.

    To take it back apply the former one: vigil rules show --version 3 > former.toml.

    Example: vigil rules apply ours.toml --by a.boss --why "fewer calls at night"
    """
    from alerts.care.rule_sets import apply as put

    if not reason.strip():
        raise DeployError('Say why: --why "fewer calls at night".')
    checked_file(file)
    with transaction() as (tx, _):
        who = author(tx, by)
        found = put(tx, file.read_text(encoding="utf-8"), who, reason.strip())
        write_down(tx, who, "rules.apply", "rules", version=found.rule_set.version, reason=reason.strip())
    print(f"Version {found.rule_set.version} ({found.name}) is on its way to the log; the engine takes it within seconds.")


@app.command()
def history(as_json: AsJson = False) -> None:
    """List the versions with who applied them, when and why, the newest first.

    Example: vigil rules history
    """
    from alerts.care.rule_sets import history as versions

    with transaction() as (tx, _):
        found = versions(tx)
    print_table(found, as_json=as_json, empty="No rule set was applied yet: the default one is in force (vigil rules list).")


def checked_file(file: Path) -> RuleFile:
    """The rule file; an error that names each fault with file and line."""
    from alerts.care.rule_sets import checked
    from alerts.rules.errors import RuleFileError

    try:
        return checked(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise DeployError(f"{file} cannot be read ({error.strerror}): give the path of a rule file.") from None
    except UnicodeDecodeError:
        raise DeployError(f"{file} is no text in UTF-8: save it as that.") from None
    except RuleFileError as error:
        lines = "\n".join(f"{file}:{one.line}: {one.message}" for one in error.faults)
        raise DeployError(f"{lines}\nNothing was applied: mend these and run it again.") from None
