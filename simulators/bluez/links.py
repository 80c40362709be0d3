"""How links come and go: advertising, connecting, pairing, notifying, losing the link."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import Counter
from typing import Final

from dbus_fast import Message, MessageFlag, MessageType, Variant
from dbus_fast.aio import MessageBus

from simulators.bluez.names import (
    ABORT_BY_LOCAL,
    ABORT_BY_PEER,
    AGENT,
    ALREADY_EXISTS,
    AUTHENTICATION_FAILED,
    CHARACTERISTIC,
    DEVICE,
    FAILED,
    IN_PROGRESS,
    MONITOR,
    NOT_PERMITTED,
    NOT_READY,
    NOT_SUPPORTED,
)
from simulators.bluez.objects import Tree, advertisement, characteristics, device_properties, gatt_objects, uuids
from simulators.bluez.outbound import Outbound
from simulators.bluez.peripheral import Characteristic, Peripheral
from simulators.errors import BlueZError

_LONGEST_S: Final = 40.0
"""How long bluetoothd itself waits for a peripheral that does not answer."""
_OUT_OF_RANGE_S: Final = 20.0


class Links:
    """The radio's side of the fake.  All methods run on its event loop."""

    def __init__(self, tree: Tree, out: Outbound) -> None:
        self.tree, self.out = tree, out
        self.keep_services_of_bonded = True  # as BlueZ does by its cache
        self.slots: int | None = None  # links the adapter can hold
        self.calls: Counter[str] = Counter()
        self._lost: dict[str, asyncio.Event] = {}  # by path: set when the link of that connection is gone

    # advertising

    async def advertise(self, peripheral: Peripheral) -> None:
        """For as long as the task lives: what a scanning adapter would hear of the peripheral."""
        while True:
            await asyncio.sleep(peripheral.advertising_interval)
            adapter = self.tree.adapter_of(peripheral)
            if adapter is None or not adapter.powered:
                continue
            if not peripheral.in_range or not peripheral.advertising or peripheral.connected:
                continue
            watching = [(path, owner) for path, (owner, where) in self.tree.monitors.items() if where == adapter.path]
            if not adapter.discoverers and not watching:
                continue
            self._heard(peripheral)
            for path, owner in watching:
                found = Message(
                    destination=owner,
                    path=path,
                    interface=MONITOR,
                    member="DeviceFound",
                    signature="o",
                    body=[peripheral.path],
                    flags=MessageFlag.NO_REPLY_EXPECTED,
                )
                self.out.send(found)

    def _heard(self, peripheral: Peripheral) -> None:
        if peripheral.known:
            self.out.changed(peripheral.path, DEVICE, advertisement(peripheral))
        else:
            peripheral.known = True
            self.out.added(peripheral.path, {DEVICE: device_properties(peripheral)})

    def forget(self, peripheral: Peripheral) -> None:
        """Take the peripheral's objects off the bus."""
        if peripheral.known:
            self._remove_services(peripheral)
            peripheral.known = False
            self.out.removed(peripheral.path, [DEVICE])

    # links

    async def connect(self, peripheral: Peripheral) -> None:
        """As ``Device1.Connect``: returns once the services are resolved."""
        self.calls["Connect"] += 1
        if peripheral.connected and peripheral.resolved:
            return
        if peripheral.connecting:
            raise BlueZError(IN_PROGRESS, "Operation already in progress")
        peripheral.connecting = True
        try:
            await self._establish(peripheral)
        finally:
            peripheral.connecting = False

    async def _establish(self, peripheral: Peripheral) -> None:
        adapter = self.tree.adapter_of(peripheral)
        if adapter is None or not adapter.powered:
            raise BlueZError(NOT_READY, "Resource Not Ready")
        fault = peripheral.connect_errors.pop(0) if peripheral.connect_errors else None
        lost = self._lost[peripheral.path] = asyncio.Event()
        await asyncio.sleep(peripheral.connect_delay)
        if self.slots is not None and sum(one.connected for one in self.tree.peripherals.values()) >= self.slots:
            fault = fault or BlueZError(FAILED, ABORT_BY_LOCAL)
        if fault is not None:
            if fault.text == ABORT_BY_LOCAL:  # BlueZ from 5.62 on shows a link for a moment
                self.out.changed(peripheral.path, DEVICE, {"Connected": Variant("b", True)})
                await asyncio.sleep(0.01)
                self.out.changed(peripheral.path, DEVICE, {"Connected": Variant("b", False)})
            raise fault
        if peripheral.hang_connect or not peripheral.in_range:
            await _until(lost, _LONGEST_S if peripheral.hang_connect else _OUT_OF_RANGE_S)
            raise BlueZError(FAILED, ABORT_BY_LOCAL)
        peripheral.connected = True
        self.out.changed(peripheral.path, DEVICE, {"Connected": Variant("b", True)}, ("RSSI",))
        if peripheral.on_connect:
            peripheral.on_connect()
        await _until(lost, _LONGEST_S if peripheral.hang_services else peripheral.connect_delay)
        if not peripheral.connected or peripheral.hang_services:
            self.drop(peripheral)
            raise BlueZError(FAILED, ABORT_BY_PEER)
        peripheral.resolved = True
        for path, interfaces in gatt_objects(peripheral).items():
            self.out.added(path, interfaces)
        services = Variant("as", uuids(peripheral))
        self.out.changed(peripheral.path, DEVICE, {"ServicesResolved": Variant("b", True), "UUIDs": services})

    def drop(self, peripheral: Peripheral) -> None:
        """The link is gone, whoever ended it."""
        if lost := self._lost.get(peripheral.path):
            lost.set()
        if not peripheral.connected:
            return
        peripheral.connected = False
        for one in characteristics(peripheral):
            self.unsubscribe_all(one)
        if peripheral.resolved:
            peripheral.resolved = False
            self.out.changed(peripheral.path, DEVICE, {"ServicesResolved": Variant("b", False)})
            if not (peripheral.paired and self.keep_services_of_bonded):
                self._remove_services(peripheral)
        self.out.changed(peripheral.path, DEVICE, {"Connected": Variant("b", False)})
        if peripheral.on_disconnect:
            peripheral.on_disconnect()

    def _remove_services(self, peripheral: Peripheral) -> None:
        for path, interfaces in reversed(gatt_objects(peripheral).items()):
            self.out.removed(path, list(interfaces))

    async def pair(self, peripheral: Peripheral, sender: str, bus: MessageBus) -> None:
        """As ``Device1.Pair``: asks the agent for the passkey where the peripheral has one."""
        if peripheral.paired:
            raise BlueZError(ALREADY_EXISTS, "Already Exists")
        await self.connect(peripheral)
        if peripheral.passkey is not None and await self._passkey(peripheral, sender, bus) != peripheral.passkey:
            self.drop(peripheral)
            raise BlueZError(AUTHENTICATION_FAILED, "Authentication Failed")
        peripheral.paired = True
        self.out.changed(peripheral.path, DEVICE, {"Paired": Variant("b", True), "Bonded": Variant("b", True)})

    async def _passkey(self, peripheral: Peripheral, sender: str, bus: MessageBus) -> int | None:
        owner = sender if sender in self.tree.agents else next(iter(self.tree.agents), None)
        if owner is None:
            return None
        asking = Message(
            destination=owner,
            path=self.tree.agents[owner],
            interface=AGENT,
            member="RequestPasskey",
            signature="o",
            body=[peripheral.path],
        )
        try:
            answer = await asyncio.wait_for(bus.call(asking), _LONGEST_S)
        except TimeoutError:
            return None
        if answer is None or answer.message_type is MessageType.ERROR:
            return None
        return int(answer.body[0])

    # notifications

    def notify(self, peripheral: Peripheral, one: Characteristic, value: bytes) -> bool:
        """Whether the value went out to a subscriber."""
        one.value = value
        if not peripheral.connected or not one.notifying:
            return False
        if one.pipe is None:
            return self.out.notified(one.path, CHARACTERISTIC, value)
        try:
            one.pipe.send(value)
        except BlockingIOError:
            one.dropped += 1  # BlueZ drops too when the client does not read
            return False
        except OSError:
            self.close_pipe(one)
            return False
        return True

    def start_notify(self, one: Characteristic, sender: str) -> None:
        """As ``StartNotify``."""
        if not one.subscribable:
            raise BlueZError(NOT_SUPPORTED, "Operation is not supported")
        first = not one.notifying
        one.subscribers.add(sender)
        self.out.changed(one.path, CHARACTERISTIC, {"Notifying": Variant("b", True)})
        if first and one.on_subscribe:
            # after the reply: a real peripheral's first value never overtakes the answer to the subscription
            asyncio.get_running_loop().call_soon(one.on_subscribe, True)

    def stop_notify(self, one: Characteristic, sender: str) -> None:
        """As ``StopNotify``, or a client that left the bus."""
        if sender not in one.subscribers:
            return
        one.subscribers.discard(sender)
        if not one.notifying:
            self.out.changed(one.path, CHARACTERISTIC, {"Notifying": Variant("b", False)})
            if one.on_subscribe:
                one.on_subscribe(False)

    def acquire_notify(self, one: Characteristic) -> int:
        """As ``AcquireNotify``: the client's end of a pipe, to be sent and closed by the caller."""
        if "notify" not in one.flags:
            raise BlueZError(NOT_SUPPORTED, "Operation is not supported")
        if one.notifying:
            raise BlueZError(NOT_PERMITTED, "Notify acquired")
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        one.pipe = ours
        loop = asyncio.get_running_loop()
        loop.add_reader(ours.fileno(), self.close_pipe, one)  # the client closed its end: unsubscribed
        if one.on_subscribe:
            loop.call_soon(one.on_subscribe, True)
        return theirs.detach()

    def close_pipe(self, one: Characteristic) -> None:
        if one.pipe is None:
            return
        with contextlib.suppress(OSError, ValueError):
            asyncio.get_running_loop().remove_reader(one.pipe.fileno())
        one.pipe.close()
        one.pipe = None
        if one.on_subscribe:
            one.on_subscribe(False)

    def unsubscribe_all(self, one: Characteristic) -> None:
        """The link is gone, and with it every subscription."""
        self.close_pipe(one)
        if one.subscribers:
            one.subscribers.clear()
            if one.on_subscribe:
                one.on_subscribe(False)

    def client_gone(self, name: str) -> None:
        """A client left the bus.  BlueZ ends its notifications and scans; the links stay up."""
        for peripheral in self.tree.peripherals.values():
            for one in characteristics(peripheral):
                self.stop_notify(one, name)
        for adapter in self.tree.adapters.values():
            adapter.discoverers.discard(name)
        self.tree.agents.pop(name, None)
        for path in [path for path, (owner, _) in self.tree.monitors.items() if owner == name]:
            del self.tree.monitors[path]


async def _until(lost: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(lost.wait(), seconds)
