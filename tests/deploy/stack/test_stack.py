from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from deploy.stack.errors import HomeInUseError
from deploy.stack.stack import EmbeddedStack
from tests.fix_home import new_home

pytestmark = pytest.mark.stack

# starts everything from a thread that ends at once, tells the children's numbers and waits to be killed
PROGRAM = """
import sys, threading, time
from pathlib import Path
from deploy.stack.stack import EmbeddedStack
stack = EmbeddedStack(Path(sys.argv[1]))
thread = threading.Thread(target=stack.start)
thread.start()
thread.join()
time.sleep(0.3)
children = [*stack.kafka.children.values(), stack.postgres.child, stack.mqtt.child]
assert all(child.running for child in children) and all(status.healthy for status in stack.status())
print(*(child.pid for child in children), flush=True)
time.sleep(120)
"""


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """One folder for the stacks of these tests: made by the first, found again by the others."""
    parent = new_home()
    yield parent / "stack"
    shutil.rmtree(parent, ignore_errors=True)


def running(pid: int) -> bool:
    """Return whether a process runs; a zombie, which waits for init to notice, does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_second_start_is_quick_and_finds_the_same_addresses_and_data(folder: Path) -> None:
    steps: set[str] = set()
    with EmbeddedStack(folder) as first:
        assert first.postgres
        addresses = [status.address for status in first.status()]
        with psycopg.connect(first.postgres.url) as db:
            db.execute("CREATE TABLE kept AS SELECT 42 AS n")
        password = first.mqtt.users["gateway"]
    began = time.monotonic()
    with EmbeddedStack(folder).start(lambda component, *_: steps.add(component)) as second:
        assert second.postgres
        took = time.monotonic() - began  # entered when it runs already, nothing starts twice
        status = second.status()
        with psycopg.connect(second.postgres.url) as db:
            assert db.execute("SELECT n FROM kept").fetchone() == (42,)
        children = [second.kafka.children[1], second.postgres.child, second.mqtt.child]
        pids = [child.pid for child in children if child]
    assert took < 10
    assert [s.address for s in status] == addresses
    assert second.mqtt.users["gateway"] == password
    assert steps == {s.name for s in status} | second.missing.keys()
    # a page that a server shares with those of other tests counts for its share alone
    assert [s for s in status if not (s.healthy and s.version and s.memory > 1 << 18)] == []
    assert sum(s.memory for s in status) < 500 << 20
    assert not any(map(running, pids))
    assert not any(s.healthy or s.memory for s in second.status())


def test_nothing_is_left_when_the_process_that_started_it_is_killed(folder: Path) -> None:
    starter = subprocess.Popen([sys.executable, "-c", PROGRAM, folder], stdout=subprocess.PIPE, text=True)
    assert starter.stdout
    with starter.stdout:
        pids = [int(pid) for pid in starter.stdout.readline().split()]
    assert len(pids) == 3
    assert all(map(running, pids))
    os.kill(starter.pid, signal.SIGKILL)
    starter.wait(10)
    end = time.monotonic() + 10
    while any(map(running, pids)) and time.monotonic() < end:
        time.sleep(0.05)
    assert not any(map(running, pids))
    with EmbeddedStack(folder) as again:
        assert all(status.healthy for status in again.status())


def test_a_folder_in_use_is_refused_with_one_sentence(folder: Path) -> None:
    stack = EmbeddedStack(folder)
    with pytest.raises(
        HomeInUseError, match=r"^Another Vigil is running in .*: end it, or choose another folder with --home\.$"
    ):
        EmbeddedStack(folder)
    stack.stop()
    EmbeddedStack(folder).stop()


def test_without_dbus_daemon_the_rest_starts_and_says_so(folder: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = home / "bin"
    programs.mkdir()
    (programs / "setpriv").symlink_to(shutil.which("setpriv") or "")
    monkeypatch.setenv("PATH", str(programs))
    with EmbeddedStack(folder) as stack:
        assert stack.dbus is None
        assert stack.missing["D-Bus"].startswith("The program dbus-daemon is missing: ")
        assert [status.name for status in stack.status()] == ["Kafka", "PostgreSQL", "rumqttd"]
        assert all(status.healthy for status in stack.status())


def test_stopping_while_it_starts_ends_the_start(folder: Path) -> None:
    stack = EmbeddedStack(folder)
    began = threading.Event()
    ended: list[BaseException] = []

    def start() -> None:
        try:
            stack.start(lambda *_: began.set())
        except BaseException as error:
            ended.append(error)

    thread = threading.Thread(target=start)
    thread.start()
    assert began.wait(20)
    stack.stop()
    thread.join(30)
    assert not thread.is_alive()
    assert len(ended) == 1
    assert not any(status.healthy for status in stack.status())
