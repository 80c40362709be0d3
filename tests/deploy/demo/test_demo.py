"""The whole story, as ``make demo`` tells it: nothing lost, every expected alarm once, nothing left running."""

import json
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest


def start(home, *more):
    command = [sys.executable, "-m", "deploy.cli", "demo", "--home", str(home), *more]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=dict(os.environ))


def left_running(home):
    return [p.info["cmdline"] for p in psutil.process_iter(["cmdline", "environ"]) if _of(p, home)]


def _of(process, home):
    words = [*(process.info["cmdline"] or ()), *(process.info["environ"] or {}).values()]
    return process.pid != os.getpid() and process.status() != "zombie" and any(str(home) in word for word in words)


@pytest.mark.timeout(400)
def test_one_run_keeps_all_promises_and_leaves_nothing_behind(home):
    summary = home / "summary.json"
    demo = start(home / "demo", "--for", "80", "--summary", str(summary))
    said, _ = demo.communicate(timeout=360)
    assert demo.returncode == 0, said
    told = json.loads(summary.read_text())
    assert told["samples"]["stored"] == told["samples"]["acknowledged"] > 1200
    assert (told["samples"]["lost"], told["samples"]["duplicated"]) == (0, 0)
    assert told["alarms"]["expected"] >= 10
    assert (told["alarms"]["missed"], told["alarms"]["doubled"]) == (0, 0), told
    assert told["alarms"]["acknowledged"] >= 1
    assert told["latency_ms"]["sample_to_committed"]["p50"] is not None
    assert sum(told["memory_mb"].values()) < 1000, told["memory_mb"]
    assert left_running(home / "demo") == []


@pytest.mark.timeout(200)
@pytest.mark.full
@pytest.mark.parametrize("moment", ["desk: starting", "ready after"])
def test_ctrl_c_ends_everything_at_any_moment(home, moment):
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


def opened_terminal():
    try:
        return os.openpty()
    except OSError as error:
        pytest.skip(f"could not run: no pseudo-terminal can be opened here ({error.strerror}): mount devpts at /dev/pts")


@pytest.mark.timeout(200)
def test_closing_the_terminal_ends_everything_though_nobody_is_told_of_it(home):
    """As under ``make`` over ssh: the session's leader hears of the hang-up and waits for its children all the same."""
    ours, terminal = opened_terminal()
    command = f"trap '' HUP; {sys.executable} -m deploy.cli demo --home {home / 'demo'}; true"
    leader = subprocess.Popen(
        ["setsid", "--ctty", "--wait", "sh", "-c", command], stdin=terminal, stdout=terminal, stderr=terminal
    )
    os.close(terminal)
    said = b""
    try:
        while b"ready after" not in said:
            said += os.read(ours, 65_536)
        end = time.monotonic() + 1
        while time.monotonic() < end:  # the live screen is drawn
            os.read(ours, 65_536)
        os.close(ours)
        leader.wait(60)
    finally:
        leader.kill()
    assert left_running(home / "demo") == []
