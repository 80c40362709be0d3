"""One run of the demo as a process of its own, and the promises that it must keep."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from deploy.demo.plan import Plan


def start(home: Path, *more: str, **environment: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "deploy.cli", "demo", "--home", str(home), *more]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, **environment}
    )


def finish(demo: subprocess.Popen[str]) -> None:
    """Wait until a run has come to its end, and see that it kept its promises.  One that does not end is killed."""
    try:
        output, _ = demo.communicate(timeout=360)
    finally:
        demo.kill()
    assert demo.returncode == 0, output


def check_promises(demo: subprocess.Popen[str], summary: Path, plan: Plan) -> None:
    """Wait until a run of the whole story ends; see that it raised each alarm of ``plan`` once and lost nothing."""
    finish(demo)
    result = json.loads(summary.read_text())
    assert result["samples"]["stored"] == result["samples"]["acknowledged"] > 1200
    assert (result["samples"]["lost"], result["samples"]["duplicated"]) == (0, 0)
    assert result["alarms"]["expected"] == len(plan.expected())
    assert (result["alarms"]["missed"], result["alarms"]["doubled"]) == (0, 0), result
    assert [alarm for alarm in result["extra_alarms"] if alarm.startswith("no_data")] == []
    assert result["alarms"]["acknowledged"] >= 1
    assert result["latency_ms"]["sample_to_committed"]["p50"] is not None
    assert sum(result["memory_mb"].values()) < 1000, result["memory_mb"]
