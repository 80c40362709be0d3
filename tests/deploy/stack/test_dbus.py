from __future__ import annotations

import os
from pathlib import Path

import pytest
from dbus_fast import BusType
from dbus_fast.aio import MessageBus

from deploy.stack.dbus import Dbus
from deploy.stack.errors import ProgramMissingError

pytestmark = pytest.mark.stack


async def test_it_is_taken_for_the_system_bus(dbus: Dbus) -> None:
    bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
    await bus.request_name("org.example.Vigil")
    assert bus.unique_name
    bus.disconnect()
    await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]
    assert dbus.healthy()
    assert dbus.memory() > 0


async def test_a_home_too_deep_for_a_socket_works_all_the_same(home: Path, dbus_program: None) -> None:
    with Dbus(home / ("deep" * 30)) as dbus:
        bus = await MessageBus(dbus.address).connect()
        bus.disconnect()
        await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]
    assert not os.path.lexists(dbus.address.removeprefix("unix:path="))


def test_a_missing_program_is_one_sentence(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(home))
    with pytest.raises(ProgramMissingError) as raised:
        Dbus(home / "dbus").start()
    assert str(raised.value) == (
        "The program dbus-daemon is missing: simulated Bluetooth sensors need it, install the package dbus-daemon."
    )
