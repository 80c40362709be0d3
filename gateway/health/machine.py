"""The gateway's own machine: its claim, clock, disk and outbox."""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from gateway.clock import ClockSource, kernel_synchronised
from gateway.desk.configuration import has_credential
from gateway.health.check import Check, Looks

_LEAST: Final = 200 << 20
"""Bytes that the disk should have beside the outbox."""
NEARLY_FULL: Final = 0.8


def claim(state: Path) -> Looks:
    """The credential is there and ours to read, and the program runs."""
    try:
        claimed = has_credential(state)
    except PermissionError:
        yield Check("state", False, f"{state} cannot be read", "run this as the user of the gateway")
        return
    if not claimed:
        yield Check("claim", False, "This gateway has not been claimed", "run vigil pair claim CODE --desk URL")
        return
    yield Check("claim", True, "This gateway is claimed")


def process(state: Path) -> Looks:
    """Somebody holds the lock of the state folder."""
    path = state / "lock"
    held = False
    if path.exists():
        lock = os.open(path, os.O_RDWR)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            held = True
        finally:
            os.close(lock)
    what = "The gateway runs" if held else "The gateway does not run"
    yield Check("program", held, what, "start vigil gateway, or its systemd unit")


def clock(source: ClockSource) -> Looks:
    """The clock has been set in this boot."""
    if source == "assumed":
        yield Check("clock", True, "The clock counts as set (VIGIL_GATEWAY_CLOCK=assumed)")
        return
    well = kernel_synchronised()
    what = "The clock is set" if well else "The clock is not synchronised, so readings wait"
    yield Check("clock", well, what, "let the machine reach a time server, and see timedatectl or chronyc tracking")


def disk(state: Path, limit: int) -> Looks:
    """The disk has room for what the outbox may still grow by."""
    usage = shutil.disk_usage(state if state.exists() else state.parent)
    file = state / "outbox.sqlite"
    wanted = max(0, limit - (file.stat().st_size if file.exists() else 0)) + _LEAST
    what = f"The disk has {usage.free >> 20} MB left; the outbox may need {wanted >> 20} MB"
    yield Check("disk", usage.free >= wanted, what, "free some, or set VIGIL_GATEWAY_OUTBOX_MB lower")


def outbox(state: Path, limit: int) -> Looks:
    """The outbox: readings that wait, how full it is, and what a person should look at."""
    path = state / "outbox.sqlite"
    if not path.exists():
        yield Check("outbox", True, "There is no outbox yet")
        return
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)) as db:
            (waiting,) = db.execute("select count(*) from reading where delivered is null").fetchone()
            (refused,) = db.execute("select count(*) from refused").fetchone()
            (held,) = db.execute("select count(*) from held").fetchone()
            pages, free, size = (db.execute(f"pragma {name}").fetchone()[0] for name in _SIZES)
    except sqlite3.Error as error:
        yield Check("outbox", False, f"The outbox cannot be read ({error})", "start the gateway: it saves what can be read")
        return
    full = (pages - free) * size / limit
    what = f"{waiting} readings wait in the outbox, {full:.0%} of its room is used"
    yield Check(
        "outbox", full < NEARLY_FULL or not waiting, what, "see that Kafka is reached, or raise VIGIL_GATEWAY_OUTBOX_MB"
    )
    what = f"{refused} readings or messages could not be used and are kept"
    yield Check("refused", not refused, what, "see vigil gateway refused")
    if held:
        cure = "pair the device for that user, with --user"
        yield Check("users", False, f"{held} measurements of users whom nobody has named wait", cure)
    if damaged := sorted(state.glob("outbox.sqlite.damaged-*[0-9]")):
        what = f"{len(damaged)} damaged files were set aside, such as {damaged[-1].name}"
        yield Check("damaged", False, what, "have the disk looked at; delete them once nobody needs them")


_SIZES: Final = ("page_count", "freelist_count", "page_size")
