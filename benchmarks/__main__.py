"""``python -m benchmarks [ROWS…] [--quick] [--json FILE]``: measure, print one table, write one file."""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy: two spinning BLAS threads make rollups seven times dearer

import argparse
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from benchmarks.figures import Report
from benchmarks.machine import machine
from benchmarks.rows import (
    desk,
    engine_row,
    latency,
    memory,
    moves,
    patients,
    patients_worker,
    recovery,
    scale,
    scale_gateways,
    store,
    throughput,
)  # fmt: skip
from benchmarks.servers import Servers
from benchmarks.table import publish

TITLE: Final = "Vigil, speed and memory"
REPETITIONS: Final = 3
ROWS: Final[dict[str, Callable[[Servers, Report, int], None]]] = {
    each.ROW: getattr(each, each.ROW)
    for each in (
        throughput, engine_row, store, latency, desk, memory, recovery, patients, patients_worker, moves, scale,
        scale_gateways,
    )
}  # fmt: skip
"""The rows in their order: each is a module, and a function of the row's name in it."""


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

    def fill(report: Report) -> dict[str, Any]:
        with Servers(report.say) as servers:
            measure(servers, report, options.rows or ROWS, 1 if options.quick else max(options.repetitions, 1))
            return machine() | servers.versions()

    return publish(fill, options.json, TITLE, quick=options.quick)[0]


if __name__ == "__main__":
    sys.exit(main())
