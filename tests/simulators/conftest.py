from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from deploy.stack.dbus import Dbus
from simulators.fakebluez import FakeBlueZ


@pytest.fixture
async def bluez(dbus: Dbus) -> AsyncIterator[FakeBlueZ]:
    """A fake BlueZ on the private bus, which unmodified bleak finds as the machine's."""
    async with FakeBlueZ(dbus.address) as fake:
        yield fake


async def until(true: Callable[[], object], seconds: float = 5) -> None:
    """Wait until ``true()``, at most so long."""
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.005)
