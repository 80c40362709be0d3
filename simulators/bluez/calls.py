"""BlueZ's methods: which call does what."""

from __future__ import annotations

from typing import Any

from dbus_fast import Message, Variant
from dbus_fast.aio import MessageBus

from simulators.bluez.links import Links
from simulators.bluez.names import (
    ADAPTER,
    AGENTS,
    CHARACTERISTIC,
    DESCRIPTOR,
    DEVICE,
    DOES_NOT_EXIST,
    IN_PROGRESS,
    INVALID_ARGS,
    MONITORS,
    NOT_PERMITTED,
    NOT_READY,
    OBJECT_MANAGER,
    PROPERTIES,
    UNKNOWN_METHOD,
    UNKNOWN_OBJECT,
)
from simulators.errors import BlueZError

Answer = tuple[str, list[Any], list[int]]
"""Signature, body and file descriptors of a method's reply."""
_DONE: Answer = ("", [], [])


class Calls:
    """Answers the calls of bleak and its like; anything BlueZ does not have is an UnknownMethod error."""

    def __init__(self, links: Links) -> None:
        self.links, self.tree, self.out = links, links.tree, links.out
        self.reject_stop_discovery = 0  # answer InProgress to the next so many (bluez/bluez#807)

    async def answer(self, call: Message, bus: MessageBus) -> Answer:
        """The reply to ``call``; :class:`BlueZError` for an error reply."""
        path, member, sender = call.path or "", call.member or "", call.sender or ""
        interface = call.interface
        if interface == DEVICE:
            return await self._device(path, member, sender, bus)
        if interface == CHARACTERISTIC:
            return await self._characteristic(path, member, sender, call.body)
        if interface == DESCRIPTOR:
            return ("ay", [b"\x00\x00"], []) if member == "ReadValue" else _DONE
        if interface == ADAPTER:
            return self._adapter(path, member, sender, call.body)
        if interface == OBJECT_MANAGER and member == "GetManagedObjects":
            return "a{oa{sa{sv}}}", [self.tree.managed()], []
        if interface == PROPERTIES:
            return self._properties(path, member, call.body)
        if interface == AGENTS:
            return self._agent(member, sender, call.body)
        if interface == MONITORS:
            return self._monitor(path, member, sender, call.body)
        raise BlueZError(UNKNOWN_METHOD, f"{interface}.{member}")

    def set_powered(self, path: str, on: bool) -> None:
        """Switch an adapter; its links go with it."""
        adapter = self.tree.adapters[path]
        if not on:
            for peripheral in self.tree.behind(path):
                self.links.drop(peripheral)
            adapter.discoverers.clear()
        adapter.powered = on
        discovering = Variant("b", bool(adapter.discoverers))
        self.out.changed(path, ADAPTER, {"Powered": Variant("b", on), "Discovering": discovering})

    def _agent(self, member: str, sender: str, body: list[Any]) -> Answer:
        if member == "RegisterAgent":
            self.tree.agents[sender] = body[0]
        elif member == "UnregisterAgent":
            self.tree.agents.pop(sender, None)
        return _DONE

    def _adapter(self, path: str, member: str, sender: str, body: list[Any]) -> Answer:
        adapter = self.tree.adapters.get(path)
        if adapter is None:
            raise BlueZError(UNKNOWN_OBJECT, path)
        if member == "StartDiscovery":
            if not adapter.powered:
                raise BlueZError(NOT_READY, "Resource Not Ready")
            adapter.discoverers.add(sender)
        elif member == "StopDiscovery":
            if self.reject_stop_discovery:
                self.reject_stop_discovery -= 1
                raise BlueZError(IN_PROGRESS, "Operation already in progress")
            adapter.discoverers.discard(sender)
        elif member == "RemoveDevice":
            peripheral = self.tree.peripherals.get(body[0])
            if peripheral is None or not peripheral.known:
                raise BlueZError(DOES_NOT_EXIST, "Does Not Exist")
            self.links.drop(peripheral)
            peripheral.paired = peripheral.trusted = False
            self.links.forget(peripheral)
            return _DONE
        elif member == "SetDiscoveryFilter":
            return _DONE  # every peripheral matches
        else:
            raise BlueZError(UNKNOWN_METHOD, f"{ADAPTER}.{member}")
        self.out.changed(path, ADAPTER, {"Discovering": Variant("b", bool(adapter.discoverers))})
        return _DONE

    def _monitor(self, path: str, member: str, sender: str, body: list[Any]) -> Answer:
        if member == "RegisterMonitor":
            # Clients export their patterns only after this call; every advertisement matches here.
            self.tree.monitors[body[0]] = (sender, path)
        else:
            for root in [root for root, (owner, _) in self.tree.monitors.items() if owner == sender]:
                del self.tree.monitors[root]
        return _DONE

    async def _device(self, path: str, member: str, sender: str, bus: MessageBus) -> Answer:
        peripheral = self.tree.known(path)
        if member == "Connect":
            await self.links.connect(peripheral)
        elif member == "Disconnect":
            self.links.drop(peripheral)
        elif member == "Pair":
            await self.links.pair(peripheral, sender, bus)
        elif member != "CancelPairing":
            raise BlueZError(UNKNOWN_METHOD, f"{DEVICE}.{member}")
        return _DONE

    async def _characteristic(self, path: str, member: str, sender: str, body: list[Any]) -> Answer:
        peripheral, one = self.tree.characteristic(path)
        if member == "ReadValue":
            if "read" not in one.flags:
                raise BlueZError(NOT_PERMITTED, "Read not permitted")
            if one.on_read:
                one.value = one.on_read()
            return "ay", [one.value], []
        if member == "WriteValue":
            if not any(flag.startswith("write") for flag in one.flags):
                raise BlueZError(NOT_PERMITTED, "Write not permitted")
            value = bytes(body[0])
            if one.on_write is None:
                one.value = value
            elif (pending := one.on_write(value)) is not None:
                await pending
            return _DONE
        if member == "StartNotify":
            self.links.start_notify(one, sender)
            return _DONE
        if member == "StopNotify":
            self.links.stop_notify(one, sender)
            return _DONE
        if member == "AcquireNotify":
            return "hq", [0, peripheral.mtu], [self.links.acquire_notify(one)]
        raise BlueZError(UNKNOWN_METHOD, f"{CHARACTERISTIC}.{member}")

    def _properties(self, path: str, member: str, body: list[Any]) -> Answer:
        found = self.tree.managed().get(path, {}).get(body[0], {})
        if member == "GetAll":
            return "a{sv}", [found], []
        if member == "Get":
            if body[1] not in found:
                raise BlueZError(INVALID_ARGS, "No such property")
            return "v", [found[body[1]]], []
        name, value = body[1], body[2].value
        if path in self.tree.adapters and name == "Powered":
            self.set_powered(path, bool(value))
        elif (peripheral := self.tree.peripherals.get(path)) and name == "Trusted":
            peripheral.trusted = bool(value)
            self.out.changed(path, DEVICE, {"Trusted": Variant("b", bool(value))})
        return _DONE
