from __future__ import annotations

import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from deploy.stack.child import Child
from deploy.stack.errors import ServerNotReadyError

SLEEP = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"


def up(child: Child) -> None:
    child.wait_until(lambda: "up" in child.tail(), 20)


def test_it_outlives_the_thread_that_asked_for_it(home: Path) -> None:
    made: list[Child] = []
    thread = threading.Thread(target=lambda: made.append(Child("sleeper", SLEEP, home / "log")))
    thread.start()
    thread.join()
    up(made[0])
    time.sleep(0.1)
    assert made[0].running
    assert made[0].memory() > 1 << 20
    assert made[0].stop()


def test_it_is_killed_when_it_does_not_end_by_itself(home: Path) -> None:
    child = Child("stubborn", [sys.executable, "-c", STUBBORN], home / "log")
    up(child)
    assert not child.stop(timeout=0.2)
    assert not child.running
    assert child.popen.returncode == -signal.SIGKILL


def test_an_end_before_it_is_ready_tells_the_last_line_of_its_log(home: Path) -> None:
    (home / "log").write_text("from an earlier start\n")
    child = Child("server", [sys.executable, "-c", "import sys; sys.exit('no such port')"], home / "log")
    with pytest.raises(ServerNotReadyError, match=r"server ended with status 1; see .*log, which ends with: no such port$"):
        child.wait_until(lambda: False, 20)
    assert "earlier" not in child.tail()


def test_waiting_has_a_limit(home: Path) -> None:
    child = Child("sleeper", SLEEP, home / "log")
    with pytest.raises(ServerNotReadyError, match="was not ready in 0 s"):
        child.wait_until(lambda: False, 0.1)
    child.kill()


def test_a_long_log_is_put_aside(home: Path) -> None:
    (home / "log").write_bytes(b"x" * (5 << 20))
    child = Child("short", [sys.executable, "-c", "print('new')"], home / "log")
    child.popen.wait(20)
    assert child.tail() == "new\n"
    assert (home / "log.1").stat().st_size == 5 << 20
