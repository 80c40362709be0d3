"""Notices that bluetoothd has died.  bleak does not notice: its clients then stay "connected" for ever."""

from __future__ import annotations

import asyncio
from typing import Final

import structlog
from dbus_fast import BusType
from dbus_fast.aio import MessageBus

from gateway.backoff import Backoff

_DBUS: Final = "org.freedesktop.DBus"
_DBUS_PATH: Final = "/org/freedesktop/DBus"

_log: Final = structlog.get_logger(__name__)


class BluezWatch:
    """Sets ``lost`` whenever bluetoothd or the bus goes away, and replaces it with a new event."""

    def __init__(self) -> None:
        self.lost = asyncio.Event()

    async def run(self) -> None:
        """Watch until cancelled, through losses of the bus itself."""
        backoff = Backoff(0.5, 30)
        while True:
            try:
                bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
            except Exception as error:  # dbus-fast raises whatever its socket and parser raise
                await backoff.sleep(_log.warning, "no system bus", reason=type(error).__name__)
                continue
            try:
                names = bus.get_proxy_object(_DBUS, _DBUS_PATH, await bus.introspect(_DBUS, _DBUS_PATH)).get_interface(_DBUS)
                names.on_name_owner_changed(self._owner_changed)  # type: ignore[attr-defined]
                backoff.worked()
                await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]
            except Exception as error:
                _log.warning("system bus lost", reason=type(error).__name__)
            finally:
                bus.disconnect()
            self._set_lost()
            await asyncio.sleep(backoff.failed())

    def _owner_changed(self, name: str, _former: str, owner: str) -> None:
        if name == "org.bluez" and not owner:
            _log.warning("bluetoothd has gone")
            self._set_lost()

    def _set_lost(self) -> None:
        lost, self.lost = self.lost, asyncio.Event()
        lost.set()
