"""The programs of the system and the prepared servers that the tests need beside Python."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass

from deploy.stack import kafka
from deploy.stack.errors import StackError
from deploy.stack.mqtt import Mosquitto
from deploy.stack.postgres_programs import embedded_programs, server_user
from tests.fix_browser import chromium_program
from tests.fix_home import NO_RECORDINGS, RECORDINGS
from tests.timescale import TimescaleMissingError, timescale_programs

_APT_MINUTES = 10


@dataclass(frozen=True)
class Need:
    """A program, the package that has it, and what is not tested without it."""

    package: str
    program: str | None
    purpose: str


def needs() -> list[Need]:
    """The programs of the system that the tests need, with their paths now."""
    return [
        Need("mosquitto", Mosquitto.program(), "the MQTT broker of real installations"),
        Need("dbus-daemon", shutil.which("dbus-daemon"), "Bluetooth sensors"),
        Need("chromium", chromium_program(), "the desk in a browser"),
    ]


def prepare_programs() -> list[str]:
    """Install what is missing where we may; a line for each thing that stays missing."""
    missing = [need.package for need in needs() if not need.program]
    reason = ""
    if missing and os.geteuid() == 0 and shutil.which("apt-get"):
        print(f"   installing {', '.join(missing)}", flush=True)
        reason = _install(missing)
    return [
        f"{need.package} is missing, so not tested: {need.purpose} ({reason or 'install the package ' + need.package})"
        for need in needs()
        if not need.program
    ]


def lacking() -> list[str]:
    """A line for each thing that this machine cannot give the tests, and that is no program to install."""
    found = []
    if not RECORDINGS.is_dir():
        found.append(f"Not tested against recordings of real patients: {NO_RECORDINGS}.")
    if reason := no_terminal():
        found.append(f"Not tested at a terminal that is closed: {reason}.")
    if server_user() is None:
        found.append("Not tested as root: the database, which then runs as another user (start the tests as root).")
    return found


def no_terminal() -> str:
    """Why no pseudo-terminal can be opened here: nothing when one can."""
    try:
        for end in os.openpty():
            os.close(end)
    except OSError as error:
        return f"no pseudo-terminal can be opened here ({error.strerror}): mount devpts at /dev/pts"
    return ""


def prepare_servers() -> list[str]:
    """Fill the cache, so that no test waits for a download; a line for each thing that cannot be had."""
    shown: set[tuple[str, str]] = set()

    def progress(component: str, step: str, done: float | None = None, /) -> None:
        if (component, step) not in shown and done != 1.0:
            shown.add((component, step))
            print(f"   {component}: {step}", flush=True)

    missing = []
    try:
        user = server_user()
        kafka.install(progress)
        embedded_programs(user, progress)
        timescale_programs(user, progress)
    except (StackError, TimescaleMissingError) as error:
        missing.append(str(error))
    return missing


def _install(packages: list[str]) -> str:
    """Why it did not work: nothing when it did."""
    install = ["install", "-y", "-qq", "--no-install-recommends", *packages]
    if not _apt(*install):
        return ""
    return _apt("update", "-qq") or _apt(*install)


def _apt(*options: str) -> str:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            ["apt-get", *options],
            capture_output=True,
            text=True,
            check=False,
            timeout=_APT_MINUTES * 60,
            stdin=subprocess.DEVNULL,
            env=environment,
        )
    except subprocess.TimeoutExpired:
        return f"apt-get took over {_APT_MINUTES} minutes"
    if done.returncode == 0:
        return ""
    return "apt-get said: " + (done.stderr.strip() or done.stdout.strip() or "nothing").splitlines()[-1]
