"""What the fake says on the bus, never faster than the bus takes it.

dbus-fast 5.2 treats EAGAIN on its socket as the end of the connection, so it must never write to a full one: messages wait
here until the socket can take one.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
from collections import deque
from functools import partial
from typing import Any, Final

from dbus_fast import Message, Variant
from dbus_fast.aio import MessageBus

from simulators.bluez.names import OBJECT_MANAGER, PROPERTIES

BOUND: Final = 200_000
"""Messages that may wait; beyond it notifications are dropped, as BlueZ's kernel buffers would, and counted."""
_PAUSE_S: Final = 0.0005


class Outbound:
    """The way out to one bus connection."""

    def __init__(self) -> None:
        self.dropped = 0
        self._bus: MessageBus | None = None
        self._waiting: deque[Message] = deque()
        self._poll = select.poll()
        self._pumping = False

    def attach(self, bus: MessageBus | None) -> None:
        """Speak on ``bus`` from now on; what waited for the one before is gone with it."""
        self._forget()
        self._bus, self._poll, self._pumping = bus, select.poll(), False
        if bus is not None and bus._fd is not None:
            self._poll.register(bus._fd, select.POLLOUT)

    def send(self, message: Message) -> None:
        """A reply or a signal of any kind; file descriptors in it are closed once they are sent."""
        self._waiting.append(message)
        if not self._pumping:
            self._pump()

    def signal(self, path: str, interface: str, member: str, signature: str, body: list[Any]) -> None:
        self.send(Message.new_signal(path, interface, member, signature, body))

    def changed(self, path: str, interface: str, properties: dict[str, Variant], gone: tuple[str, ...] = ()) -> None:
        """PropertiesChanged."""
        self.signal(path, PROPERTIES, "PropertiesChanged", "sa{sv}as", [interface, properties, list(gone)])

    def notified(self, path: str, interface: str, value: bytes) -> bool:
        """A notification's value; False where too much waits already."""
        if len(self._waiting) >= BOUND:
            self.dropped += 1
            return False
        self.changed(path, interface, {"Value": Variant("ay", value)})
        return True

    def added(self, path: str, interfaces: dict[str, dict[str, Variant]]) -> None:
        self.signal("/", OBJECT_MANAGER, "InterfacesAdded", "oa{sa{sv}}", [path, interfaces])

    def removed(self, path: str, interfaces: list[str]) -> None:
        self.signal("/", OBJECT_MANAGER, "InterfacesRemoved", "oas", [path, interfaces])

    def _pump(self) -> None:
        self._pumping = False
        bus = self._bus
        if bus is None or not bus.connected:
            self._forget()
            return
        while self._waiting:
            writer = bus._writer
            if writer is None or writer.buf is not None or not self._poll.poll(0):
                self._pumping = True
                asyncio.get_running_loop().call_later(_PAUSE_S, self._pump)
                return
            message = self._waiting.popleft()
            bus.send(message).add_done_callback(partial(_finished, tuple(message.unix_fds)))

    def _forget(self) -> None:
        while self._waiting:
            _close(tuple(self._waiting.popleft().unix_fds))


def _finished(fds: tuple[int, ...], done: asyncio.Future[Any]) -> None:
    if not done.cancelled():
        done.exception()  # looked at: a bus that went away is seen by `connected`
    _close(fds)


def _close(fds: tuple[int, ...]) -> None:
    for fd in fds:
        with contextlib.suppress(OSError):
            os.close(fd)
