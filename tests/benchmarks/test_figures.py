from __future__ import annotations

import io

from rich.console import Console

from benchmarks.figures import Report
from benchmarks.loads.observation import Step, cpu_a_message
from benchmarks.table import show


def reported(*, value: float) -> Report:
    report = Report(lambda _: None)
    report.figure("row", "thing", "ms", [3.0, 1.0, 2.0])
    report.ratio("row", "a / b", [value * 2, value * 3], [2.0, 3.0], ">=", 10)
    return report


def test_a_missed_goal_is_printed_as_missed() -> None:
    screen = io.StringIO()
    show(Console(file=screen, width=140), {"cores": 2}, reported(value=9.99))
    assert "MISSED" in screen.getvalue()
    assert "0 of 1 goals met" in screen.getvalue()


def test_a_goal_reached_exactly_is_met() -> None:
    assert reported(value=10).goals[0].met


def test_a_figure_is_the_median_of_its_repetitions_with_their_spread() -> None:
    figure = reported(value=1).as_json()["figures"][0]
    assert (figure["median"], figure["low"], figure["high"]) == (2.0, 1.0, 3.0)


def test_cpu_is_counted_from_where_a_contender_says_that_it_begins() -> None:
    steps = [Step(0, 5_000, 0, 0), Step(1, 6_000, 10, 40), Step(2, 7_000, 10, 40)]
    assert cpu_a_message(steps, 20, 0.2) == (100.0, 25.0)


def test_cpu_is_counted_without_the_first_messages_where_it_does_not() -> None:
    steps = [Step(0, 5_000, 10, 40), Step(1, 6_000, 10, 40), Step(2, 7_000, 10, 40)]
    assert cpu_a_message(steps, 30, 0.2) == (100.0, 25.0)
