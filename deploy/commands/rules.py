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
    from alerts.care.layers import Owner
    from alerts.database import Tx
    from alerts.rules.sets.rule_file import RuleFile

app = typer.Typer(
    help="Check a rule file, show and apply rule sets, and say who applied which one when and why.", no_args_is_help=True
)
File = Annotated[Path, typer.Argument(help="a rule file (TOML)", show_default=False)]
Programme = Annotated[str | None, typer.Option("--programme", help="of a programme, such as copd", show_default=False)]
Ward = Annotated[int | None, typer.Option("--ward", help="of a ward: the number of its care team", show_default=False)]
Patient = Annotated[int | None, typer.Option("--patient", help="of a patient, by number", show_default=False)]
Reason = Annotated[str, typer.Option("--why", help="the reason, kept with the version", show_default=False)]
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
def show_rules(
    version: Version = None, programme: Programme = None, ward: Ward = None, patient: Patient = None, as_json: AsJson = False
) -> None:
    """List the rules of the set in force in plain language, each with its source; of a patient also whose each rule is.

    Examples: vigil rules list; vigil rules list --programme copd; vigil rules list --patient 1
    """
    from alerts.care.layers import text_in_force
    from alerts.care.rule_sets import checked
    from alerts.care.rule_sets import version as version_of
    from alerts.rules.sets.described import described

    owner = _owner(programme, ward, patient)
    with transaction() as (tx, _):
        if patient is not None:
            rows = _rules_of(tx, patient)
        elif owner is not None:
            rows = [asdict(one) for one in described(checked(text_in_force(tx, owner, version)))]
        else:
            rows = [asdict(one) for one in described(version_of(tx, version)[0])]
    print_table(rows, as_json=as_json, empty="This set raises nothing.")


@app.command()
def show(
    version: Version = None, programme: Programme = None, ward: Ward = None, patient: Patient = None, as_json: AsJson = False
) -> None:
    """Print the file of a rule set: the start of your own.  Of a patient: each rule that holds, and whose it is.

    Examples: vigil rules show > ours.toml; vigil rules show --programme copd > ours.toml; vigil rules show --patient 1
    """
    from alerts.care.layers import text_in_force
    from alerts.care.rule_sets import version as version_of

    owner = _owner(programme, ward, patient)
    with transaction() as (tx, _):
        if patient is not None and version is None:
            print_table(_rules_of(tx, patient), as_json=as_json, empty="Nothing is raised for this patient.")
            return
        text = version_of(tx, version)[1] if owner is None else text_in_force(tx, owner, version)
    print(text, end="")


@app.command()
def apply(
    file: File, by: By, reason: Reason, programme: Programme = None, ward: Ward = None, patient: Patient = None
) -> None:
    """Make a rule file the newest version: of the whole installation, or of a programme, a ward or a patient.

    It goes to the log and counts from its place there on.  A file of a programme, ward or patient names only what differs:
    its rules stand in place of those of the same names, and off = ["weight.gain"] switches rules off.  To take it back:
    vigil rules undo.

    Examples: vigil rules apply ours.toml --by a.boss --why "fewer calls at night"; vigil rules apply mild.toml --ward 3 --by
    a.boss --why "stable patients"
    """
    from alerts.care.layers import apply_layer, words_of
    from alerts.care.rule_sets import apply as put

    owner = _owner(programme, ward, patient)
    cause = _reason(reason)
    found = checked_file(file, over=owner is not None)
    with transaction() as (tx, _):
        who, text = author(tx, by), file.read_text(encoding="utf-8")
        if owner is None:
            number, words = put(tx, text, who, cause).rule_set.version, found.name
        else:
            number, words = apply_layer(tx, owner, text, who, cause), words_of(tx, owner)
        write_down(tx, who, "rules.apply", _subject(owner), version=number, reason=cause)
    print(f"Version {number} ({words}) is on its way to the log; the engine takes it within seconds.")


@app.command()
def undo(by: By, reason: Reason, programme: Programme = None, ward: Ward = None, patient: Patient = None) -> None:
    """Apply what was in force before the newest version again, as a new version.

    Example: vigil rules undo --ward 3 --by a.boss --why "too many calls"
    """
    from alerts.care.layers import undo_layer
    from alerts.care.rule_sets import undo as undo_set

    owner, cause = _owner(programme, ward, patient), _reason(reason)
    with transaction() as (tx, _):
        who = author(tx, by)
        number = undo_set(tx, who, cause).rule_set.version if owner is None else undo_layer(tx, owner, who, cause)
        write_down(tx, who, "rules.undo", _subject(owner), version=number, reason=cause)
    print(f"Version {number} is on its way to the log: it is what was in force before.")


@app.command()
def history(programme: Programme = None, ward: Ward = None, patient: Patient = None, as_json: AsJson = False) -> None:
    """List the versions with who applied them, when and why, the newest first.

    Examples: vigil rules history; vigil rules history --programme copd
    """
    from alerts.care.layers import history_of
    from alerts.care.rule_sets import history as versions

    owner = _owner(programme, ward, patient)
    with transaction() as (tx, _):
        found = versions(tx) if owner is None else history_of(tx, owner)
    brings = "the default one" if owner is None else "what Vigil brings for it, if anything,"
    print_table(found, as_json=as_json, empty=f"No rule set was applied yet: {brings} is in force (vigil rules list).")


def _owner(programme: str | None, ward: int | None, patient: int | None) -> Owner | None:
    """Whose set is meant; ``None``: the whole installation's."""
    from alerts.care.layers import Owner

    given = [one for one in (programme, ward, patient) if one is not None]
    if len(given) > 1:
        raise DeployError("Name one of --programme, --ward and --patient: a set belongs to one of them.")
    return Owner(programme, ward, patient) if given else None


def _subject(owner: Owner | None) -> str:
    if owner is None:
        return "rules"
    if owner.programme is not None:
        return f"programme:{owner.programme}"
    return f"team:{owner.team}" if owner.team is not None else f"patient:{owner.patient}"


def _reason(reason: str) -> str:
    if not reason.strip():
        raise DeployError('Say why: --why "fewer calls at night".')
    return reason.strip()


def _rules_of(tx: Tx, patient: int) -> list[dict[str, object]]:
    """The rules that hold for a patient, and whose each one is; the patient's own limits come before all."""
    from alerts.care.layers import with_layers
    from alerts.care.limits import chosen_rule_set, own_limits
    from alerts.care.records import check_in_care
    from alerts.rules.layers.merged import origin
    from alerts.rules.layers.named import limit_name
    from alerts.rules.sets.described import described_rules

    check_in_care(tx, patient)
    rules, layers = with_layers(tx, chosen_rule_set(tx), patient)
    own = {limit_name(one): one for one in own_limits(tx, patient).limits}
    rows: list[dict[str, object]] = []
    for one in described_rules(rules, own):
        whose = "limits of the patient" if one.rule in own else origin(layers, one.rule.partition(",")[0]) or "general"
        rows.append({"rule": one.rule, "text": one.text, "set": whose})
    return rows


def checked_file(file: Path, *, over: bool = False) -> RuleFile:
    """The rule file; an error that names each fault with file and line.  ``over``: it stands over the installation's set."""
    from alerts.care.rule_sets import checked
    from alerts.rules.errors import RuleFileError
    from alerts.rules.layers.files import layer_of

    try:
        found = checked(file.read_text(encoding="utf-8"))
        if over:
            layer_of(found, found.name)
    except OSError as error:
        raise DeployError(f"{file} cannot be read ({error.strerror}): give the path of a rule file.") from None
    except UnicodeDecodeError:
        raise DeployError(f"{file} is no text in UTF-8: save it as that.") from None
    except RuleFileError as error:
        lines = "\n".join(f"{file}:{one.line}: {one.message}" for one in error.faults)
        raise DeployError(f"{lines}\nNothing was applied: mend these and run it again.") from None
    return found
