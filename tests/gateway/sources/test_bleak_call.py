from __future__ import annotations

import asyncio
from typing import Any, NoReturn

import pytest
from bleak import BleakClient
from bleak.exc import BleakDBusError, BleakError
from dbus_fast.errors import AuthError

from gateway.sources.bleak_call import RadioError, call, hang_up, services_of


async def failing(error: Exception) -> NoReturn:
    raise error


@pytest.mark.parametrize("error", [OSError(9, "closed"), EOFError(), TimeoutError(), AuthError("closed")])
async def test_a_fault_of_the_bus_is_a_radio_error(error: Exception) -> None:
    with pytest.raises(RadioError, match=type(error).__name__) as caught:
        await call(1, failing(error))
    assert not caught.value.answered


@pytest.mark.parametrize("error", [BleakError("Not connected"), BleakDBusError("org.bluez.Error.Failed", [])])
async def test_an_answer_of_bluetoothd_is_a_radio_error_too(error: Exception) -> None:
    with pytest.raises(RadioError, match=type(error).__name__) as caught:
        await call(1, failing(error))
    assert caught.value.answered


async def test_a_call_that_takes_too_long_is_a_radio_error() -> None:
    with pytest.raises(RadioError, match="TimeoutError"):
        await call(0.01, asyncio.sleep(5))


@pytest.mark.parametrize("bug", [AttributeError("x"), AssertionError(), KeyError("x"), ValueError("x")])
async def test_a_bug_is_no_radio_error(bug: Exception) -> None:
    with pytest.raises(type(bug)):
        await call(1, failing(bug))


class Gone(BleakClient):
    """A client whose link was lost while bleak was reading its services."""

    def __init__(self) -> None:
        pass

    @property
    def services(self) -> Any:
        raise BleakError("Service Discovery has not been performed yet")

    async def disconnect(self) -> None:
        raise AssertionError


async def test_a_client_without_a_link_has_no_services_and_can_be_hung_up() -> None:
    with pytest.raises(RadioError, match="BleakError"):
        services_of(Gone())
    await hang_up(Gone())
