"""The whole story, as ``make demo`` tells it: nothing lost, every expected alarm once, nothing left running."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from deploy.demo.plan import DEMO
from tests.deploy.demo.whole_run import check_promises, start
from tests.programs import no_terminal


def left_running(home: Path) -> list[Any]:
    return [p.info["cmdline"] for p in psutil.process_iter(["cmdline", "environ"]) if _of(p, home)]


def _of(process: Any, home: Path) -> bool:
    words = [*(process.info["cmdline"] or ()), *(process.info["environ"] or {}).values()]
    return process.pid != os.getpid() and process.status() != "zombie" and any(str(home) in word for word in words)


def doctor_beside(home: Path) -> subprocess.CompletedProcess[str]:
    """``vigil doctor`` with the settings of the demo's own programs, some seconds after its notifier has started."""
    end, environment = time.monotonic() + 150, None
    while environment is None:
        assert time.monotonic() < end
        time.sleep(0.5)
        for process in psutil.process_iter(["cmdline", "environ"]):
            if "notify" in (process.info["cmdline"] or ()) and _of(process, home):
                environment = process.info["environ"]
    time.sleep(20)
    command = [sys.executable, "-m", "deploy.cli", "doctor"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.timeout(400)
def test_one_run_keeps_all_promises_and_leaves_nothing_behind(home: Path) -> None:
    summary = home / "summary.json"
    plan = DEMO if shutil.which("dbus-daemon") else DEMO.without_bluetooth()
    demo = start(home / "demo", "--for", "80", "--summary", str(summary))
    doctor = doctor_beside(home / "demo")
    check_promises(demo, summary, plan)
    assert doctor.returncode == 0, doctor.stdout  # nothing is wrong with a demo just made
    assert left_running(home / "demo") == []


@pytest.mark.timeout(200)
@pytest.mark.full
@pytest.mark.parametrize("moment", ["desk: starting", "ready after"])
def test_ctrl_c_ends_everything_at_any_moment(home: Path, moment: str) -> None:
    demo = start(home / "demo")
    assert demo.stdout
    try:
        for line in demo.stdout:
            if moment in line:
                break
        time.sleep(0.5)
        demo.send_signal(signal.SIGINT)
        demo.communicate(timeout=60)
    finally:
        demo.kill()
    assert left_running(home / "demo") == []


def opened_terminal() -> tuple[int, int]:
    if reason := no_terminal():
        pytest.skip(f"could not run: {reason}")
    return os.openpty()


@pytest.mark.full
@pytest.mark.timeout(200)
def test_closing_the_terminal_ends_everything_though_nobody_is_told_of_it(home: Path) -> None:
    """As under ``make`` over ssh: the session's leader hears of the hang-up and waits for its children all the same."""
    ours, terminal = opened_terminal()
    command = f"trap '' HUP; {sys.executable} -m deploy.cli demo --home {home / 'demo'}; true"
    leader = subprocess.Popen(
        ["setsid", "--ctty", "--wait", "sh", "-c", command], stdin=terminal, stdout=terminal, stderr=terminal
    )
    os.close(terminal)
    output = b""
    try:
        while b"ready after" not in output:
            output += os.read(ours, 65_536)
        end = time.monotonic() + 1
        while time.monotonic() < end:  # the live screen is drawn
            os.read(ours, 65_536)
        os.close(ours)
        leader.wait(60)
    finally:
        leader.kill()
    assert left_running(home / "demo") == []
