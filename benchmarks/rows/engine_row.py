"""The cost of a sample inside the engine alone, in other loads than those of the throughput row."""

from __future__ import annotations

from functools import partial
from typing import Final

from benchmarks.figures import Report
from benchmarks.loads.engine import Load, measure
from benchmarks.servers import Servers

ROW: Final = "engine"
LOADS: Final = {
    "1k x 1 Hz, 1 partition": Load(1024, 1),
    "1k x 1 Hz, 64": Load(1024, 64),
    "1k x 1 Hz, 64, bare": Load(1024, 64, bare=True),
    "1k x 1 Hz, 64, one round each": Load(1024, 64, apart=True, seconds=10),
    "1k x 1 Hz in batches of 60, 64": Load(1024, 64, batch=60),
    "1k x 1 Hz, 64, backlog 60 s": Load(1024, 64, width=60),
    "10k / 10 s, 1": Load(10_240, 1, every=10),
    "10k / 10 s, 64": Load(10_240, 64, every=10),
}
QUICK: Final = {"64 x 1 Hz, 64": Load(64, 64, seconds=5)}


def engine(_servers: Servers, report: Report, _repetitions: int) -> None:
    """Each load once: they are long, and normalised by the fixed loop."""
    for name, load in (QUICK if report.quick else LOADS).items():
        (ns, worst), turn = report.around(partial(measure, load))
        what = f"Engine.advance with {'no' if load.bare else 'all'} rules; worst second {worst:.1f} ms"
        report.figure(ROW, name, "turns/sample", [ns / turn], what)
