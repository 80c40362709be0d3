"""The whole story on a machine without dbus-daemon, in a home that was set up with it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from deploy.demo.plan import DEMO
from tests.deploy.demo.whole_run import check_promises, finish, start


@pytest.mark.full
@pytest.mark.timeout(700)
@pytest.mark.usefixtures("dbus_program")
def test_a_home_that_had_bluetooth_tells_the_whole_story_without(home: Path) -> None:
    summary = home / "summary.json"
    finish(start(home / "demo", "--for", "5"))
    demo = start(home / "demo", "--for", "80", "--summary", str(summary), PATH=str(without_dbus_daemon(home)))
    check_promises(demo, summary, DEMO.without_bluetooth())


def without_dbus_daemon(home: Path) -> Path:
    """A folder for PATH with the only other program of the system that a start as root needs."""
    programs = home / "bin"
    programs.mkdir()
    (programs / "setpriv").symlink_to(shutil.which("setpriv") or "")
    return programs
