"""What BlueZ says of its adapters, on a private bus."""

from __future__ import annotations

import pytest

from deploy.stack.dbus import Dbus
from gateway.health.radio import bluetooth
from simulators.fakebluez import FakeBlueZ


async def test_bluetooth_is_looked_at(dbus: Dbus, monkeypatch: pytest.MonkeyPatch) -> None:
    async with FakeBlueZ(dbus.address):
        (found,) = await bluetooth()
        assert (found.ok, found.what) == (True, "Bluetooth works (hci0)")
    (found,) = await bluetooth()
    assert (found.ok, found.what) == (False, "BlueZ does not run")
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nowhere")
    (found,) = await bluetooth()
    assert "no system bus" in found.what
