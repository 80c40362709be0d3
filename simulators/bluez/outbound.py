"""The fake's messages to the bus, never faster than the bus takes them.

dbus-fast 5.2 treats EAGAIN on its socket as the end of the connection, so it must never write to a full one: messages wait
here until the socket can take one.
"""

from __future__ import annotations

import asyncio
import select
from collections import deque
from typing import Any, Final

from dbus_fast import Message, Variant
from dbus_fast.aio import MessageBus

from simulators.bluez import names

BOUND: Final = 200_000
"""Messages that may wait; beyond it notifications are dropped, as by BlueZ's kernel buffers, and counted."""
_PAUSE_S: Final = 0.0005


class Outbound:
    """The queue of messages to one bus connection."""

    def __init__(self) -> None:
        self.dropped = 0
        self._bus: MessageBus | None = None
        self._waiting: deque[Message] = deque()
        self._poll = select.poll()
        self._pumping = False

    def attach(self, bus: MessageBus | None) -> None:
        """Send to ``bus`` from now on; the messages that waited for the former bus are lost with it."""
        self._waiting.clear()
        self._bus, self._poll, self._pumping = bus, select.poll(), False
        if bus is not None and bus._fd is not None:
            self._poll.register(bus._fd, select.POLLOUT)

    def send(self, message: Message) -> None:
        """Send a reply or a signal."""
        self._waiting.append(message)
        if not self._pumping:
            self._pump()

    def signal(self, path: str, interface: str, member: str, signature: str, body: list[Any]) -> None:
        self.send(Message.new_signal(path, interface, member, signature, body))

    def changed(self, path: str, interface: str, properties: dict[str, Variant], gone: tuple[str, ...] = ()) -> None:
        """Send the signal PropertiesChanged."""
        self.signal(path, names.PROPERTIES, "PropertiesChanged", "sa{sv}as", [interface, properties, list(gone)])

    def notified(self, path: str, interface: str, value: bytes) -> bool:
        """Send the value of a notification; False if too many messages wait."""
        if len(self._waiting) >= BOUND:
            self.dropped += 1
            return False
        self.changed(path, interface, {"Value": Variant("ay", value)})
        return True

    def added(self, path: str, interfaces: dict[str, dict[str, Variant]]) -> None:
        self.signal("/", names.OBJECT_MANAGER, "InterfacesAdded", "oa{sa{sv}}", [path, interfaces])

    def removed(self, path: str, interfaces: list[str]) -> None:
        self.signal("/", names.OBJECT_MANAGER, "InterfacesRemoved", "oas", [path, interfaces])

    def _pump(self) -> None:
        self._pumping = False
        bus = self._bus
        if bus is None or not bus.connected:
            self._waiting.clear()
            return
        while self._waiting:
            writer = bus._writer
            if writer is None or writer.buf is not None or not self._poll.poll(0):
                self._pumping = True
                asyncio.get_running_loop().call_later(_PAUSE_S, self._pump)
                return
            bus.send(self._waiting.popleft()).add_done_callback(_finished)


def _finished(done: asyncio.Future[Any]) -> None:
    if not done.cancelled():
        done.exception()  # marked as retrieved: `connected` shows that a bus went away
