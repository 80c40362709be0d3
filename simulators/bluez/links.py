"""The life of a link: advertising, connecting, pairing, notifying, losing the link."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from typing import Final

from dbus_fast import Message, MessageFlag, Variant

from simulators.bluez import names
from simulators.bluez.objects import Tree, advertisement, characteristics, device_properties, gatt_objects, uuids
from simulators.bluez.outbound import Outbound
from simulators.bluez.peripheral import Characteristic, Peripheral
from simulators.errors import BlueZError

_LONGEST_S: Final = 40.0
"""Seconds that bluetoothd itself waits for a peripheral that does not answer."""
_OUT_OF_RANGE_S: Final = 20.0


class Links:
    """The radio side of the fake.  All methods run on its event loop."""

    def __init__(self, tree: Tree, out: Outbound) -> None:
        self.tree, self.out = tree, out
        self.keep_services_of_bonded = True  # as BlueZ does by its cache
        self.slots: int | None = None  # links the adapter can hold
        self.calls: Counter[str] = Counter()
        self._lost: dict[str, asyncio.Event] = {}  # by path: set when the link of that connection is gone

    # advertising

    async def advertise(self, peripheral: Peripheral) -> None:
        """Advertise the peripheral to scanning adapters until cancelled."""
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
            self._advertised(peripheral)
            for path, owner in watching:
                found = Message(
                    destination=owner,
                    path=path,
                    interface=names.MONITOR,
                    member="DeviceFound",
                    signature="o",
                    body=[peripheral.path],
                    flags=MessageFlag.NO_REPLY_EXPECTED,
                )
                self.out.send(found)

    def _advertised(self, peripheral: Peripheral) -> None:
        if peripheral.known:
            self.out.changed(peripheral.path, names.DEVICE, advertisement(peripheral))
        else:
            peripheral.known = True
            self.out.added(peripheral.path, {names.DEVICE: device_properties(peripheral)})

    # links

    async def connect(self, peripheral: Peripheral) -> None:
        """As ``Device1.Connect``: returns once the services are resolved."""
        self.calls["Connect"] += 1
        if peripheral.connected and peripheral.resolved:
            return
        if peripheral.connecting:
            raise BlueZError(names.IN_PROGRESS, "Operation already in progress")
        peripheral.connecting = True
        try:
            await self._establish(peripheral)
        finally:
            peripheral.connecting = False

    async def _establish(self, peripheral: Peripheral) -> None:
        adapter = self.tree.adapter_of(peripheral)
        if adapter is None or not adapter.powered:
            raise BlueZError(names.NOT_READY, "Resource Not Ready")
        fault = peripheral.connect_errors.pop(0) if peripheral.connect_errors else None
        lost = self._lost[peripheral.path] = asyncio.Event()
        await asyncio.sleep(peripheral.connect_delay)
        if self.slots is not None and sum(one.connected for one in self.tree.peripherals.values()) >= self.slots:
            fault = fault or BlueZError(names.FAILED, names.ABORT_BY_LOCAL)
        if fault is not None:
            if fault.text == names.ABORT_BY_LOCAL:  # BlueZ from 5.62 on shows a link for a moment
                self.out.changed(peripheral.path, names.DEVICE, {"Connected": Variant("b", True)})
                await asyncio.sleep(0.01)
                self.out.changed(peripheral.path, names.DEVICE, {"Connected": Variant("b", False)})
            raise fault
        if peripheral.hang_connect or not peripheral.in_range:
            await _until(lost, _LONGEST_S if peripheral.hang_connect else _OUT_OF_RANGE_S)
            raise BlueZError(names.FAILED, names.ABORT_BY_LOCAL)
        peripheral.connected = True
        self.out.changed(peripheral.path, names.DEVICE, {"Connected": Variant("b", True)}, ("RSSI",))
        if peripheral.on_connect:
            peripheral.on_connect()
        await _until(lost, _LONGEST_S if peripheral.hang_services else peripheral.connect_delay)
        if not peripheral.connected or peripheral.hang_services:
            self.drop(peripheral)
            raise BlueZError(names.FAILED, names.ABORT_BY_PEER)
        peripheral.resolved = True
        for path, interfaces in gatt_objects(peripheral).items():
            self.out.added(path, interfaces)
        services = Variant("as", uuids(peripheral))
        self.out.changed(peripheral.path, names.DEVICE, {"ServicesResolved": Variant("b", True), "UUIDs": services})

    def drop(self, peripheral: Peripheral) -> None:
        """End the link, from either side."""
        if lost := self._lost.get(peripheral.path):
            lost.set()
        if not peripheral.connected:
            return
        peripheral.connected = False
        for one in characteristics(peripheral):
            self.unsubscribe_all(one)
        if peripheral.resolved:
            peripheral.resolved = False
            self.out.changed(peripheral.path, names.DEVICE, {"ServicesResolved": Variant("b", False)})
            if not (peripheral.paired and self.keep_services_of_bonded):
                self._remove_services(peripheral)
        self.out.changed(peripheral.path, names.DEVICE, {"Connected": Variant("b", False)})
        if peripheral.on_disconnect:
            peripheral.on_disconnect()

    def _remove_services(self, peripheral: Peripheral) -> None:
        for path, interfaces in reversed(gatt_objects(peripheral).items()):
            self.out.removed(path, list(interfaces))

    async def pair(self, peripheral: Peripheral) -> None:
        """As ``Device1.Pair`` without an agent: pairing fails where the peripheral has a passkey."""
        if peripheral.paired:
            raise BlueZError(names.ALREADY_EXISTS, "Already Exists")
        await self.connect(peripheral)
        if peripheral.passkey is not None:
            self.drop(peripheral)
            raise BlueZError(names.AUTHENTICATION_FAILED, "Authentication Failed")
        peripheral.paired = True
        self.out.changed(peripheral.path, names.DEVICE, {"Paired": Variant("b", True), "Bonded": Variant("b", True)})

    # notifications

    def notify(self, peripheral: Peripheral, one: Characteristic, value: bytes) -> bool:
        """Send a value; return True if a subscriber gets it."""
        one.value = value
        return peripheral.connected and one.notifying and self.out.notified(one.path, names.CHARACTERISTIC, value)

    def start_notify(self, one: Characteristic, sender: str) -> None:
        """As ``StartNotify``."""
        if not one.subscribable:
            raise BlueZError(names.NOT_SUPPORTED, "Operation is not supported")
        if one.drops:
            self.drop(next(each for each in self.tree.peripherals.values() if one in characteristics(each)))
            raise BlueZError(names.FAILED, "Not connected")
        if one.refuses is not None:
            raise one.refuses
        first = not one.notifying
        one.subscribers.add(sender)
        self.out.changed(one.path, names.CHARACTERISTIC, {"Notifying": Variant("b", True)})
        if first and one.on_subscribe:
            # after the reply: a real peripheral's first value never overtakes the answer to the subscription
            asyncio.get_running_loop().call_soon(one.on_subscribe, True)

    def stop_notify(self, one: Characteristic, sender: str) -> None:
        """As ``StopNotify``, or a client that left the bus."""
        if sender not in one.subscribers:
            return
        one.subscribers.discard(sender)
        if not one.notifying:
            self.out.changed(one.path, names.CHARACTERISTIC, {"Notifying": Variant("b", False)})
            if one.on_subscribe:
                one.on_subscribe(False)

    def unsubscribe_all(self, one: Characteristic) -> None:
        """End every subscription: the link is gone."""
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
        for path in [path for path, (owner, _) in self.tree.monitors.items() if owner == name]:
            del self.tree.monitors[path]


async def _until(lost: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(lost.wait(), seconds)
