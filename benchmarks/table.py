"""One table of a whole run, for people."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.figures import Figure, Goal, Report


def show(console: Console, machine: dict[str, Any], report: Report, title: str = "Vigil, speed and memory") -> None:
    """Print the figures and goals, row by row, what was missed as missed."""
    facts = ", ".join(f"{name} {value}" for name, value in machine.items())
    table = Table(title=title + (" (quick: the form counts, not the figures)" if report.quick else ""))
    table.add_column("row", no_wrap=True)
    table.add_column("what", ratio=1)
    table.add_column("median", justify="right", no_wrap=True)
    table.add_column("spread", justify="right", no_wrap=True)
    table.add_column("unit", no_wrap=True)
    table.add_column("goal", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    rows = dict.fromkeys([*(one.row for one in report.figures), *(one.row for one in report.goals)])
    for row in rows:
        for figure in (one for one in report.figures if one.row == row):
            table.add_row(*_figure(figure))
        for goal in (one for one in report.goals if one.row == row):
            table.add_row(*_goal(goal), style="bold" if goal.met else "bold red")
        table.add_section()
    console.print(table)
    console.print(facts, style="dim", highlight=False)
    for name in [name for name, holds in report.checks.items() if not holds]:
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
