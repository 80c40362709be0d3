"""A fake BlueZ for tests of Bluetooth: add peripherals to it, and unmodified bleak finds them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from deploy.stack.dbus import Dbus
from simulators.fakebluez import FakeBlueZ


@pytest.fixture
async def bluez(dbus: Dbus) -> AsyncIterator[FakeBlueZ]:
    """On the test's own private bus, and on the event loop of the test."""
    async with FakeBlueZ(dbus.address) as fake:
        yield fake
