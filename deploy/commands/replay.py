"""``vigil replay``: candidate rules over recorded history, old against new."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.acting import AsJson
from deploy.errors import DeployError
from deploy.printed import print_table

if TYPE_CHECKING:
    from deploy.evaluation.stay import Stay
    from devices.wire.control import RuleSet

Source = Annotated[
    Path | None,
    typer.Argument(help="a folder of CSV, BIDMC's numerics, or PhysioNet's set-a.tar.gz; without it the database"),
]
Rules = Annotated[list[Path], typer.Option("--rules", help="a candidate; may be given several times", show_default=False)]
Patients = Annotated[list[int] | None, typer.Option("--patient", help="only this one; may be given several times")]
Answer = Annotated[int, typer.Option("--answer-min", min=0, help="minutes after which the nurse takes a call")]
First = Annotated[int, typer.Option("--first", min=0, help="only so many patients; 0: all")]
Page = Annotated[Path | None, typer.Option("--html", help="write one page with plots to this file", show_default=False)]


def register(app: typer.Typer) -> None:
    app.command(help=replay.__doc__)(replay)


def replay(
    rules: Rules,
    source: Source = None,
    since: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"])] = None,
    until: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"])] = None,
    patient: Patients = None,
    answer_min: Answer = 5,
    first: First = 0,
    html: Page = None,
    as_json: AsJson = False,
) -> None:
    """Replay recorded patients with other rules: how often they would have called, and which episodes they lose.

    The same engine and the same life of alarms as live, all candidates in one pass. The first line is what is compared
    with: the rules in force (database) or the default set. Times are UTC. Each second with a value costs some thousandths of
    a second, however many patients there are: a day of values each second takes about four minutes.

    Examples: vigil replay --rules ours.toml --from 2026-11-01 --to 2026-11-02; vigil replay data/csv --rules a.toml --rules
    b.toml --html compared.html
    """
    from deploy.commands.rules import checked_file
    from deploy.evaluation.compared import NOTES, compared, record_of, whole_record_of
    from deploy.evaluation.page import page_of
    from deploy.evaluation.run import run

    asked = {path.stem: checked_file(path).rule_set for path in rules}
    span = tuple(None if one is None else one.replace(tzinfo=UTC) for one in (since, until))
    name, old, stays, tick_s = _of_database(span, patient) if source is None else _of_files(source, span)
    stays = stays[: first or None]
    if not stays:
        raise DeployError("Nothing was measured in this time: choose another one with --from and --to.")
    if name in asked:
        raise DeployError(f"A candidate is called {name} like what it is compared with: give its file another name.")
    candidates = {name: old, **{stem: _over(old, one) for stem, one in asked.items()}}
    burdens = compared(stays, run(stays, candidates, tick_s=tick_s), list(candidates), answer_min * 60)
    if html is not None:
        what = str(source) if source is not None else f"{len(stays)} patients, {since} to {until}"
        html.write_text(page_of(burdens, what), encoding="utf-8")
    records = [dict(whole_record_of(one) if as_json else record_of(one)) for one in burdens]
    print_table(records, as_json=as_json, empty="")
    if not as_json:
        for note in NOTES:
            print(f"- {note}")


def _over(old: RuleSet, new: RuleSet) -> RuleSet:
    """A candidate with the layers of programmes and wards that are in force."""
    from msgspec.structs import replace

    return replace(new, sets=old.sets)


def _of_database(span: tuple[datetime | None, ...], patients: list[int] | None) -> tuple[str, RuleSet, list[Stay], int]:
    from msgspec.structs import replace

    from alerts.care.layers import shared_layers
    from alerts.care.limits import chosen_rule_set
    from deploy.acting import transaction
    from deploy.evaluation.stored import read_stored

    since, until = span
    if since is None or until is None or since >= until:
        raise DeployError("Say of which time: --from 2026-11-01 --to 2026-11-02.")
    with transaction() as (tx, _):
        rules = replace(chosen_rule_set(tx), sets=shared_layers(tx))
        return "in force", rules, read_stored(tx, since, until, patients), 1


def _of_files(source: Path, span: tuple[datetime | None, ...]) -> tuple[str, RuleSet, list[Stay], int]:
    from alerts.rules.defaults import default_rule_set
    from deploy.evaluation.bidmc import read_bidmc
    from deploy.evaluation.csv_folder import read_folder
    from deploy.evaluation.physionet import read_physionet
    from simulators.replay import PATTERN

    if source.is_file():
        return "general", default_rule_set(), list(read_physionet(source)), 9
    if not source.is_dir():
        raise DeployError(f"There is no {source}: give a folder of CSV or a data set.")
    if any(source.glob(PATTERN)):
        return "general", default_rule_set(), list(read_bidmc(source)), 1
    return "general", default_rule_set(), list(read_folder(source, *span)), 1
