"""A fake ``org.bluez`` on a private D-Bus: unmodified bleak scans, connects, pairs, reads and subscribes there.

Peripherals are plain objects (:mod:`simulators.peripherals`); faults are their fields and the methods here.  Everything runs
on the event loop that called :meth:`FakeBlueZ.start`, and peripherals may be touched there only.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self

from dbus_fast import Message, MessageType, NameFlag
from dbus_fast.aio import MessageBus

from simulators.bluez.calls import Calls
from simulators.bluez.links import Links
from simulators.bluez.objects import Adapter, Tree, characteristics
from simulators.bluez.outbound import Outbound
from simulators.bluez.peripheral import Peripheral
from simulators.errors import BlueZError

_DBUS, _DBUS_PATH = "org.freedesktop.DBus", "/org/freedesktop/DBus"
_LEFT_TO_DBUS_FAST = ("org.freedesktop.DBus.Peer", "org.freedesktop.DBus.Introspectable")


class FakeBlueZ:
    """One bluetoothd with its adapters; ``address`` is the private bus, such as ``unix:path=/tmp/x/bus``.

    A program that uses it as the machine's Bluetooth needs ``DBUS_SYSTEM_BUS_ADDRESS`` set to that address before it first
    uses bleak.
    """

    def __init__(self, address: str, *, adapters: tuple[str, ...] = ("hci0",)) -> None:
        self.address = address
        self.tree = Tree({f"/org/bluez/{name}": Adapter(f"/org/bluez/{name}") for name in adapters})
        self.out = Outbound()
        self.links = Links(self.tree, self.out)
        self.calls = Calls(self.links)
        self._bus: MessageBus | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._advertising: dict[str, asyncio.Task[None]] = {}  # by path

    # life cycle

    async def start(self) -> Self:
        """Own the name ``org.bluez`` and begin to advertise."""
        bus = await MessageBus(bus_address=self.address).connect()
        self._bus = bus
        self.out.attach(bus)
        bus.add_message_handler(self._on_message)
        names = bus.get_proxy_object(_DBUS, _DBUS_PATH, await bus.introspect(_DBUS, _DBUS_PATH)).get_interface(_DBUS)
        names.on_name_owner_changed(self._owner_changed)  # type: ignore[attr-defined]
        await bus.request_name("org.bluez", NameFlag.DO_NOT_QUEUE)
        for peripheral in self.tree.peripherals.values():
            self._advertise(peripheral)
        return self

    async def stop(self) -> None:
        """Leave the bus as a killed bluetoothd does: no signal reports the links that are lost."""
        tasks = [*self._tasks, *self._advertising.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._advertising.clear()
        self.out.attach(None)
        for peripheral in self.tree.peripherals.values():
            was = peripheral.connected
            peripheral.connected = peripheral.resolved = peripheral.connecting = False
            peripheral.known = peripheral.paired  # bonds are on disk
            for one in characteristics(peripheral):
                self.links.unsubscribe_all(one)
            if was and peripheral.on_disconnect:
                peripheral.on_disconnect()
        for adapter in self.tree.adapters.values():
            adapter.discoverers.clear()
        self.tree.monitors.clear()
        if self._bus is not None:
            self._bus.disconnect()
            with contextlib.suppress(Exception):
                await asyncio.wait_for(self._bus.wait_for_disconnect(), 2)  # type: ignore[no-untyped-call]
            self._bus = None

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.stop()

    def add(self, peripheral: Peripheral, adapter: str = "hci0") -> None:
        """Put a peripheral within reach, before or after :meth:`start`."""
        self.tree.add(peripheral, f"/org/bluez/{adapter}")
        peripheral.radio = self.links
        if self._bus is not None:
            self._advertise(peripheral)

    # faults

    async def restart(self, down_for: float = 0.2) -> None:
        """Crash like bluetoothd: the name vanishes, links drop without a signal; ``down_for`` seconds later it is back."""
        await self.stop()
        await asyncio.sleep(down_for)
        await self.start()

    def set_powered(self, on: bool, adapter: str = "hci0") -> None:
        """Switch an adapter off or on."""
        self.calls.set_powered(f"/org/bluez/{adapter}", on)

    # the bus

    def _advertise(self, peripheral: Peripheral) -> None:
        if old := self._advertising.get(peripheral.path):
            old.cancel()
        name = f"advertise {peripheral.address}"
        self._advertising[peripheral.path] = asyncio.create_task(self.links.advertise(peripheral), name=name)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work, name="org.bluez call")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _owner_changed(self, name: str, _former: str, owner: str) -> None:
        if not owner:
            self.links.client_gone(name)

    def _on_message(self, message: Message) -> bool | None:
        if message.message_type is not MessageType.METHOD_CALL or message.interface in _LEFT_TO_DBUS_FAST:
            return None
        if self._bus is not None:
            self._spawn(self._answer(message, self._bus))
        return True

    async def _answer(self, call: Message, bus: MessageBus) -> None:
        try:
            signature, body = await self.calls.answer(call)
            reply = Message.new_method_return(call, signature, body)
        except BlueZError as error:
            reply = Message.new_error(call, error.name, error.text)
        except Exception as error:  # a bug of the fake must not look like a device that hangs
            reply = Message.new_error(call, "org.bluez.Error.Failed", f"fake BlueZ: {error!r}")
        if self._bus is bus:
            self.out.send(reply)
