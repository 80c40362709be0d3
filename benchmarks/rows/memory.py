"""Memory of everything the demo starts, by component, while it runs; pages that processes share are split among them."""

from __future__ import annotations

import json
import sys
import time
from typing import Final

from benchmarks.errors import BenchmarkError
from benchmarks.figures import Report
from benchmarks.servers import Servers
from deploy.stack.child import Child

ROW: Final = "memory"
GOAL_MB: Final = 1024
_START_S: Final = 180.0


def memory(servers: Servers, report: Report, _repetitions: int) -> None:
    """The demo is started once: what it needs hardly changes from run to run."""
    seconds = 4 if report.quick else 45
    report.say(f"{ROW}: vigil demo --for {seconds}")
    summary, home = servers.home / "demo.json", servers.home / "demo"
    home.mkdir(mode=0o711)
    options = ["--for", str(seconds), "--summary", str(summary), "--home", str(home)]
    command = [sys.executable, "-m", "deploy.cli", "demo", *options]
    demo = Child("the demo", command, servers.home / "demo.log", death_signal="TERM", env={"OPENBLAS_NUM_THREADS": "1"})
    most, end = 0, time.monotonic() + _START_S + seconds
    try:
        while demo.running and not summary.exists():
            most = max(most, demo.memory())
            if time.monotonic() > end:
                raise BenchmarkError(f"The demo did not end by itself; the end of its log:\n{demo.tail()}")
            time.sleep(0.5)
        demo.popen.wait(60)
    finally:
        demo.stop()
    if not summary.exists():
        raise BenchmarkError(f"The demo did not come to its summary; the end of its log:\n{demo.tail()}")
    parts = json.loads(summary.read_text())["memory_mb"]
    total = sum(parts.values())
    for name, size in sorted(parts.items(), key=lambda one: -one[1]):
        report.figure(ROW, name, "MB", [size], "PSS at the end of the demo")
    rest = most / 2**20 - total
    report.figure(ROW, "the demo itself, and peaks", "MB", [max(rest, 0.0)], "the largest sum seen, less the parts above")
    report.goal(ROW, "everything the demo starts, largest sum seen", max(most / 2**20, total), "<=", GOAL_MB, "MB")
    if demo.popen.returncode:
        report.notes.append(f"The demo of the memory row ended with status {demo.popen.returncode}: see vigil demo.")
