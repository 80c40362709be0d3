"""``python -m benchmarks.peers``: measure, print one table, write one file and, with ``--picture``, draw it."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from rich.console import Console

from benchmarks.errors import BenchmarkError
from benchmarks.figures import Report
from benchmarks.machine import machine
from benchmarks.peers.picture import draw
from benchmarks.peers.race import Race, Size, commands, those_of
from benchmarks.table import publish
from deploy.stack.errors import StackError
from deploy.stack.kafka import Kafka

REPETITIONS: Final = 5


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("programs", nargs="*", metavar="PROGRAM", help="of benchmarks/peers/roster.py; all without")
    parser.add_argument("--repetitions", type=int, default=REPETITIONS, metavar="N", help=f"of all ({REPETITIONS})")
    parser.add_argument("--json", type=Path, default=Path("out/peers.json"), metavar="FILE")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw an SVG as well")
    options = parser.parse_args(arguments)
    console, begin = Console(stderr=True), time.monotonic()

    def say(line: str) -> None:
        console.print(f"[dim]{time.monotonic() - begin:6.1f} s[/dim]  {line}", highlight=False)

    report, folder = Report(say), Path(tempfile.mkdtemp(prefix="vigil-peers-"))
    try:
        ready = commands(report)
        roster = those_of(options.programs, ready)
        if not roster:
            parser.error("none of these can run here")
        with Kafka(folder / "kafka", heap_mb=512) as kafka:
            facts = machine() | {"kafka": kafka.version()}
            Race(kafka, report, folder, Size(), ready).run(roster, max(options.repetitions, 1))
    except (BenchmarkError, StackError) as error:
        console.print(str(error), style="bold red", highlight=False, markup=False)
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    found = publish(report, facts, options.json, "Vigil and others, the same job on the same topic")
    if options.picture:
        options.picture.write_text(draw(found))
        print(f"Drawn in {options.picture}.")
    return 0 if all(report.checks.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
