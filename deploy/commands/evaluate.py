"""``vigil evaluate``: rule sets on recorded patients, with the same engine as live."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deploy.acting import AsJson
from deploy.errors import DeployError
from deploy.printed import print_table

if TYPE_CHECKING:
    from devices.wire.control import RuleSet

DataSet = Annotated[Path, typer.Argument(help="the folder of BIDMC's numerics, or PhysioNet 2012's set-a.tar.gz")]
Rules = Annotated[list[Path] | None, typer.Option("--rules", help="a rule file to compare; may be given several times")]
First = Annotated[int, typer.Option("--first", help="only so many patients, for a quick look; 0: all")]


def register(app: typer.Typer) -> None:
    app.command(help=evaluate.__doc__)(evaluate)


def evaluate(dataset: DataSet, rules: Rules = None, first: First = 0, as_json: AsJson = False) -> None:
    """Evaluate rule sets on recorded patients: how often they call, whom they find, what they miss.

    The default set and a baseline are always among the candidates. All run side by side through the engine in one pass over
    the data. PhysioNet 2012 takes some minutes.

    Examples: vigil evaluate data/bidmc; vigil evaluate data/set-a.tar.gz --rules ours.toml --first 500
    """
    asked = {path.stem: _rules(path) for path in rules or []}
    lines, notes = _charted(dataset, asked, first) if dataset.is_file() else _continuous(dataset, asked, first)
    print_table(lines, as_json=as_json, empty="")
    if not as_json:
        for note in notes:
            print(f"- {note}")


def _rules(path: Path) -> RuleSet:
    from deploy.commands.rules import checked_file

    return checked_file(path).rule_set


def _charted(path: Path, asked: dict[str, RuleSet], first: int) -> tuple[list[dict[str, Any]], list[str]]:
    from deploy.evaluation.candidates import charted
    from deploy.evaluation.physionet import read_physionet
    from deploy.evaluation.report import LIMITATIONS, line_of, record_of
    from deploy.evaluation.run import run

    stays = list(read_physionet(path))[: first or None]
    candidates = charted(asked)
    found = run(stays, candidates)
    return [record_of(line_of(name, stays, found)) for name in candidates], list(LIMITATIONS)


def _continuous(path: Path, asked: dict[str, RuleSet], first: int) -> tuple[list[dict[str, Any]], list[str]]:
    from deploy.evaluation.bidmc import read_bidmc
    from deploy.evaluation.candidates import continuous
    from deploy.evaluation.episodes import LIMITATIONS, onsets_of, record_of
    from deploy.evaluation.run import run

    if not path.is_dir():
        raise DeployError(f"There is no {path}: give the folder of a data set, or its archive.")
    stays = list(read_bidmc(path))[: first or None]
    candidates = continuous(asked)
    found = run(stays, candidates, tick_s=1)
    return [record_of(name, onsets_of(name, rules, stays, found)) for name, rules in candidates.items()], list(LIMITATIONS)
