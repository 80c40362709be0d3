"""Calls into bleak: each has a time limit and fails with one error, so that a bug of ours is not taken for a radio fault."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable
from enum import IntEnum
from typing import Final, TypeVar

from bleak import BleakClient
from bleak.backends.service import BleakGATTService
from bleak.exc import BleakError
from dbus_fast.errors import AuthError, DBusError

from gateway.limit import within

_Result = TypeVar("_Result")
_HANG_UP_S: Final = 5.0
_WORDS: Final = 100


class RadioError(Exception):
    """The device, bluetoothd or the bus failed a call; the text is the name of the original error, ``reason`` its words.

    ``answered``: it was answered with an error, so the connection may still be up.
    """

    def __init__(self, error: Exception) -> None:
        super().__init__(type(error).__name__)
        self.answered = isinstance(error, BleakError)
        code = getattr(error, "code", None)  # of an error that the device itself answered
        words = code.name.lower().replace("_", " ") if isinstance(code, IntEnum) else str(error)
        self.reason = (words or type(error).__name__)[:_WORDS]


async def call(seconds: float, work: Awaitable[_Result]) -> _Result:
    """Await a call into bleak for up to ``seconds``; :class:`RadioError` when it fails.

    bleak 3 raises its own errors; from dbus-fast come those of the socket (``OSError``, ``EOFError``) and two of its own
    while it connects to the bus.
    """
    try:
        return await within(seconds, work)
    except (BleakError, TimeoutError, OSError, EOFError, AuthError, DBusError) as error:
        raise RadioError(error) from error


def services_of(client: BleakClient) -> list[BleakGATTService]:
    """The services of a connected device; :class:`RadioError` once the link is lost."""
    try:
        return list(client.services)
    except BleakError as error:
        raise RadioError(error) from error


async def hang_up(client: BleakClient) -> None:
    """Disconnect, also after the link was lost: bleak keeps a D-Bus connection until then.

    bleak 3.1 ends ``disconnect`` with ``assert self.services is None``.  That fails where the link was lost while bleak was
    reading the services; the D-Bus connection is closed all the same.
    """
    with contextlib.suppress(RadioError, AssertionError):
        await call(_HANG_UP_S, client.disconnect())
