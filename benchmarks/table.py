"""The results of a whole run: one table for people, one file for programs."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.errors import BenchmarkError
from benchmarks.figures import Figure, Goal, Report
from deploy.stack.errors import StackError


def publish(
    fill: Callable[[Report], dict[str, Any]], file: Path, title: str, *, quick: bool = False
) -> tuple[int, dict[str, Any]]:
    """Have ``fill`` measure, which gives the facts of the machine; print the table, write the file.

    The exit status (0: all checks hold), and the file's content, empty if nothing was measured.
    """
    console, begin = Console(stderr=True), time.monotonic()

    def say(line: str) -> None:
        console.print(f"[dim]{time.monotonic() - begin:6.1f} s[/dim]  {line}", highlight=False)

    report = Report(say, quick)
    try:
        facts = fill(report)
    except (BenchmarkError, StackError) as error:
        console.print(str(error), style="bold red", highlight=False, markup=False)
        return 1, {}
    out = Console(width=None if sys.stdout.isatty() else 140)
    show(out, facts, report, title)
    content = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "machine": facts, **report.as_json()}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content, indent=2))
    out.print(f"Written to {file}.")
    return 0 if all(report.checks.values()) else 1, content


def show(console: Console, facts: dict[str, Any], report: Report, title: str = "") -> None:
    """Print the figures and goals, row by row, what was missed as missed."""
    table = Table(title=title + (" (quick: the form counts, not the figures)" if report.quick else ""))
    for name in ("row", "what", "median", "spread", "unit", "goal", ""):
        number = name in {"median", "spread", "goal"}
        table.add_column(
            name, justify="right" if number else "left", no_wrap=name != "what", ratio=1 if name == "what" else None
        )
    rows = dict.fromkeys([*(one.row for one in report.figures), *(one.row for one in report.goals)])
    for row in rows:
        for figure in (one for one in report.figures if one.row == row):
            table.add_row(*_figure(figure))
        for goal in (one for one in report.goals if one.row == row):
            table.add_row(*_goal(goal), style="bold" if goal.met else "bold red")
        table.add_section()
    console.print(table)
    console.print(", ".join(f"{name} {value}" for name, value in facts.items()), style="dim", highlight=False)
    for name, holds in report.checks.items():
        if not holds:
            console.print(f"CHECK FAILED: {name}", style="bold red", highlight=False)
    for note in report.notes:
        console.print(note, highlight=False)
    met, hold = sum(goal.met for goal in report.goals), sum(report.checks.values())
    console.print(f"{met} of {len(report.goals)} goals met; {hold} of {len(report.checks)} checks hold.")


def _figure(one: Figure) -> tuple[str, ...]:
    spread = f"{_short(min(one.values))} … {_short(max(one.values))}" if len(one.values) > 1 else ""
    return one.row, one.name, _short(one.median), spread, one.unit, "", ""


def _goal(one: Goal) -> tuple[str, ...]:
    spread = f"{_short(one.spread[0])} … {_short(one.spread[1])}" if one.spread and one.spread[0] != one.spread[1] else ""
    sign = "≥" if one.relation == ">=" else "≤"
    return one.row, one.name, _short(one.value), spread, one.unit, f"{sign} {one.bound:g}", "met" if one.met else "MISSED"


def _short(value: float) -> str:
    if value >= 1e6:
        return f"{value / 1e6:.2f}M"
    if value >= 1e4:
        return f"{value / 1e3:.1f}k"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
