"""BlueZ's methods: the answer to each call."""

from __future__ import annotations

from typing import Any

from dbus_fast import Message, Variant

from simulators.bluez import names
from simulators.bluez.links import Links
from simulators.errors import BlueZError

Answer = tuple[str, list[Any]]
"""Signature and body of a method's reply."""
_DONE: Answer = ("", [])


class Calls:
    """Answers the calls of bleak and its like; anything BlueZ does not have is an UnknownMethod error."""

    def __init__(self, links: Links) -> None:
        self.links, self.tree, self.out = links, links.tree, links.out
        self.reject_stop_discovery = 0  # calls to answer with InProgress (bluez/bluez#807)

    async def answer(self, call: Message) -> Answer:
        """The reply to ``call``; :class:`BlueZError` for an error reply."""
        path, member, sender = call.path or "", call.member or "", call.sender or ""
        interface = call.interface
        if interface == names.DEVICE:
            return await self._device(path, member)
        if interface == names.CHARACTERISTIC:
            return self._characteristic(path, member, sender, call.body)
        if interface == names.DESCRIPTOR:
            return ("ay", [b"\x00\x00"]) if member == "ReadValue" else _DONE
        if interface == names.ADAPTER:
            return self._adapter(path, member, sender)
        if interface == names.OBJECT_MANAGER and member == "GetManagedObjects":
            return "a{oa{sa{sv}}}", [self.tree.managed()]
        if interface == names.PROPERTIES:
            return self._properties(path, member, call.body)
        if interface == names.MONITORS:
            return self._monitor(path, member, sender, call.body)
        raise BlueZError(names.UNKNOWN_METHOD, f"{interface}.{member}")

    def set_powered(self, path: str, on: bool) -> None:
        """Switch an adapter; its links go with it."""
        adapter = self.tree.adapters[path]
        if not on:
            for peripheral in self.tree.behind(path):
                self.links.drop(peripheral)
            adapter.discoverers.clear()
        adapter.powered = on
        discovering = Variant("b", bool(adapter.discoverers))
        self.out.changed(path, names.ADAPTER, {"Powered": Variant("b", on), "Discovering": discovering})

    def _adapter(self, path: str, member: str, sender: str) -> Answer:
        adapter = self.tree.adapters.get(path)
        if adapter is None:
            raise BlueZError(names.UNKNOWN_OBJECT, path)
        if member == "StartDiscovery":
            if not adapter.powered:
                raise BlueZError(names.NOT_READY, "Resource Not Ready")
            adapter.discoverers.add(sender)
        elif member == "StopDiscovery":
            if self.reject_stop_discovery:
                self.reject_stop_discovery -= 1
                raise BlueZError(names.IN_PROGRESS, "Operation already in progress")
            adapter.discoverers.discard(sender)
        elif member == "SetDiscoveryFilter":
            return _DONE  # every peripheral matches
        else:
            raise BlueZError(names.UNKNOWN_METHOD, f"{names.ADAPTER}.{member}")
        self.out.changed(path, names.ADAPTER, {"Discovering": Variant("b", bool(adapter.discoverers))})
        return _DONE

    def _monitor(self, path: str, member: str, sender: str, body: list[Any]) -> Answer:
        if member == "RegisterMonitor":
            # Clients export their patterns only after this call; every advertisement matches here.
            self.tree.monitors[body[0]] = (sender, path)
        else:
            for root in [root for root, (owner, _) in self.tree.monitors.items() if owner == sender]:
                del self.tree.monitors[root]
        return _DONE

    async def _device(self, path: str, member: str) -> Answer:
        peripheral = self.tree.known(path)
        if member == "Connect":
            await self.links.connect(peripheral)
        elif member == "Disconnect":
            self.links.drop(peripheral)
        elif member == "Pair":
            await self.links.pair(peripheral)
        elif member != "CancelPairing":
            raise BlueZError(names.UNKNOWN_METHOD, f"{names.DEVICE}.{member}")
        return _DONE

    def _characteristic(self, path: str, member: str, sender: str, body: list[Any]) -> Answer:
        one = self.tree.characteristic(path)
        if member == "ReadValue":
            if "read" not in one.flags:
                raise BlueZError(names.NOT_PERMITTED, "Read not permitted")
            if one.on_read:
                one.value = one.on_read()
            return "ay", [one.value]
        if member == "WriteValue":
            if not {"write", "write-without-response"} & set(one.flags):
                raise BlueZError(names.NOT_PERMITTED, "Write not permitted")
            one.value = bytes(body[0])
            if one.on_write:
                one.on_write(one.value)
            return _DONE
        if member == "StartNotify":
            self.links.start_notify(one, sender)
            return _DONE
        if member == "StopNotify":
            self.links.stop_notify(one, sender)
            return _DONE
        raise BlueZError(names.UNKNOWN_METHOD, f"{names.CHARACTERISTIC}.{member}")

    def _properties(self, path: str, member: str, body: list[Any]) -> Answer:
        found = self.tree.managed().get(path, {}).get(body[0], {})
        if member == "GetAll":
            return "a{sv}", [found]
        if member == "Get":
            if body[1] not in found:
                raise BlueZError(names.INVALID_ARGS, "No such property")
            return "v", [found[body[1]]]
        name, value = body[1], body[2].value
        if path in self.tree.adapters and name == "Powered":
            self.set_powered(path, bool(value))
        elif (peripheral := self.tree.peripherals.get(path)) and name == "Trusted":
            peripheral.trusted = bool(value)
            self.out.changed(path, names.DEVICE, {"Trusted": Variant("b", bool(value))})
        return _DONE
