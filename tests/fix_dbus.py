"""A private system bus for tests of Bluetooth."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.stack.dbus import Dbus
from deploy.stack.errors import ProgramMissingError


@pytest.fixture
def dbus_program() -> None:
    """The test is left out, and says why, where the program is missing."""
    if shutil.which("dbus-daemon") is None:
        pytest.skip(f"could not run: {ProgramMissingError('dbus-daemon', 'simulated Bluetooth sensors need it')}")


@pytest.fixture
def dbus(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Dbus]:
    """A bus of its own for one test; this process and its children take it for the machine's system bus."""
    bus = Dbus(home / "dbus")
    try:
        bus.start()
    except ProgramMissingError as error:
        pytest.skip(f"could not run: {error}")
    for name, value in bus.environment.items():
        monkeypatch.setenv(name, value)
    yield bus
    bus.stop()
