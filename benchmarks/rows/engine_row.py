"""The cost of a sample inside the engine alone, in other loads than those of the throughput row."""

from __future__ import annotations

from typing import Final

from benchmarks.figures import Report
from benchmarks.loads.engine import ROWS, Row, measure
from benchmarks.servers import Servers

ROW: Final = "engine"
QUICK: Final = {"64 x 1 Hz, 64": Row(64, 64, seconds=5)}


def engine(_servers: Servers, report: Report, _repetitions: int) -> None:
    """Each load once: they are long, and normalised by the fixed loop."""
    for name, row in (QUICK if report.quick else ROWS).items():
        before = report.turn()
        ns, _, worst, _ = measure(row)
        turn = (before + report.turn()) / 2
        what = f"Engine.advance with {'no' if row.bare else 'all'} rules; worst second {worst:.1f} ms"
        report.figure(ROW, name, "turns/sample", [ns / turn], what)
