"""``python -m benchmarks [ROWS…] [--quick] [--json FILE]``: measure, print one table, write one file."""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy: two spinning BLAS threads make rollups seven times dearer

import argparse
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from rich.console import Console

from benchmarks.errors import BenchmarkError
from benchmarks.figures import Report
from benchmarks.machine import machine
from benchmarks.rows.desk import desk
from benchmarks.rows.engine_row import engine
from benchmarks.rows.latency import latency
from benchmarks.rows.memory import memory
from benchmarks.rows.moves import moves
from benchmarks.rows.patients import patients
from benchmarks.rows.patients_worker import worker
from benchmarks.rows.recovery import recovery
from benchmarks.rows.scale import scale
from benchmarks.rows.scale_gateways import gateways
from benchmarks.rows.store import store
from benchmarks.rows.throughput import throughput
from benchmarks.servers import Servers
from benchmarks.table import publish
from deploy.stack.errors import StackError

REPETITIONS: Final = 3
ROWS: Final[dict[str, Callable[[Servers, Report, int], None]]] = {
    "throughput": throughput,
    "engine": engine,
    "store": store,
    "latency": latency,
    "desk": desk,
    "memory": memory,
    "recovery": recovery,
    "patients": patients,
    "worker": worker,
    "moves": moves,
    "scale": scale,
    "gateways": gateways,
}


def measure(servers: Servers, report: Report, rows: Iterable[str], repetitions: int = 1) -> None:
    """Measure the rows of these names, one after the other, and the machine's speed with each."""
    for row in rows:
        report.turn()
        ROWS[row](servers, report, repetitions)
        report.turn()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of {', '.join(ROWS)}; all without")
    parser.add_argument("--quick", action="store_true", help="a few seconds a row, once: to see that all of it works")
    parser.add_argument("--repetitions", type=int, default=REPETITIONS, metavar="N", help="of each measurement (3)")
    parser.add_argument("--json", type=Path, default=Path("out/bench.json"), metavar="FILE")
    options = parser.parse_args(arguments)
    if unknown := [row for row in options.rows if row not in ROWS]:
        parser.error(f"there is no row {unknown[0]!r}: give some of {', '.join(ROWS)}")
    console, begin = Console(stderr=True), time.monotonic()

    def say(line: str) -> None:
        console.print(f"[dim]{time.monotonic() - begin:6.1f} s[/dim]  {line}", highlight=False)

    report = Report(say, options.quick)
    try:
        with Servers(say) as servers:
            facts = machine() | servers.versions()
            measure(servers, report, options.rows or ROWS, 1 if options.quick else max(options.repetitions, 1))
    except (BenchmarkError, StackError) as error:
        console.print(str(error), style="bold red", highlight=False, markup=False)
        return 1
    publish(report, facts, options.json)
    return 0 if all(report.checks.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
