"""``python -m benchmarks.peers``: measure, print one table, write one file and, with ``--picture``, draw it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from benchmarks.figures import Report
from benchmarks.machine import machine
from benchmarks.peers.picture import draw
from benchmarks.peers.race import Race, Size, commands, those_of
from benchmarks.table import publish
from deploy.stack.kafka import Kafka

REPETITIONS: Final = 5


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("programs", nargs="*", metavar="PROGRAM", help="of benchmarks/peers/roster.py; all without")
    parser.add_argument("--repetitions", type=int, default=REPETITIONS, metavar="N", help=f"of all ({REPETITIONS})")
    parser.add_argument("--json", type=Path, default=Path("out/peers.json"), metavar="FILE")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw an SVG as well")
    options = parser.parse_args(arguments)

    def fill(report: Report) -> dict[str, Any]:
        ready = commands(report)
        roster = those_of(options.programs, ready)
        if not roster:
            parser.error("none of these can run here")
        folder = TemporaryDirectory(prefix="vigil-peers-", ignore_cleanup_errors=True)
        with folder as name, Kafka(Path(name) / "kafka", heap_mb=512) as kafka:
            Race(kafka, report, Path(name), Size(), ready).run(roster, max(options.repetitions, 1))
            return machine() | {"kafka": kafka.version()}

    status, found = publish(fill, options.json, "Vigil and others, the same job on the same topic")
    if options.picture and found:
        options.picture.write_text(draw(found))
        print(f"Drawn in {options.picture}.")
    return status


if __name__ == "__main__":
    sys.exit(main())
