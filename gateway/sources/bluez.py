"""Notices when bluetoothd dies: bleak does not, its clients then stay "connected" for ever."""

from __future__ import annotations

import asyncio
from typing import Final

import structlog
from dbus_fast import BusType, Message, MessageType
from dbus_fast.aio import MessageBus

from gateway.backoff import Backoff

_NAME: Final = "org.bluez"
_RULE: Final = f"type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0='{_NAME}'"

_log: Final = structlog.get_logger("gateway.bluez")


class BluezWatch:
    """``lost`` is set whenever bluetoothd or the bus goes away; a new event takes its place."""

    def __init__(self) -> None:
        self.lost = asyncio.Event()

    async def run(self) -> None:
        """Watch until cancelled, over losses of the bus itself."""
        backoff = Backoff(0.5, 30)
        while True:
            try:
                bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
            except Exception as error:  # dbus-fast raises whatever its socket and parser raise
                _log.warning("no system bus", reason=type(error).__name__)
                await asyncio.sleep(backoff.failed())
                continue
            try:
                bus.add_message_handler(self._on_message)
                await bus.call(
                    Message(
                        destination="org.freedesktop.DBus",
                        path="/org/freedesktop/DBus",
                        interface="org.freedesktop.DBus",
                        member="AddMatch",
                        signature="s",
                        body=[_RULE],
                    )
                )
                backoff.worked()
                await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]
            except Exception as error:
                _log.warning("system bus lost", reason=type(error).__name__)
            finally:
                bus.disconnect()
            self._tell()
            await asyncio.sleep(backoff.failed())

    def _on_message(self, message: Message) -> None:
        if message.message_type is MessageType.SIGNAL and message.member == "NameOwnerChanged":
            name, _, owner = message.body
            if name == _NAME and not owner:
                _log.warning("bluetoothd has gone")
                self._tell()

    def _tell(self) -> None:
        lost, self.lost = self.lost, asyncio.Event()
        lost.set()
