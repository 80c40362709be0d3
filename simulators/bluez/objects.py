"""BlueZ's object tree: adapters and peripherals, and the properties each shows on the bus."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from dbus_fast import Variant

from devices.gatt.uuids import full_uuid
from simulators.bluez import names
from simulators.bluez.peripheral import Characteristic, Peripheral, Service
from simulators.errors import BlueZError

Interfaces = dict[str, dict[str, Variant]]
"""Properties by interface."""


@dataclass(eq=False)
class Adapter:
    path: str
    powered: bool = True
    discoverers: set[str] = field(default_factory=set)  # unique bus names

    @property
    def number(self) -> int:
        return int(self.path.rsplit("hci", 1)[1])


@dataclass(eq=False)
class Tree:
    """The state of bluetoothd."""

    adapters: dict[str, Adapter]
    peripherals: dict[str, Peripheral] = field(default_factory=dict)  # by path
    monitors: dict[str, tuple[str, str]] = field(default_factory=dict)  # root path -> (owner, adapter path)

    def add(self, peripheral: Peripheral, adapter: str) -> None:
        """Give the peripheral, its services and characteristics their paths (handles as on a real device)."""
        peripheral.path = f"{adapter}/dev_" + peripheral.address.replace(":", "_")
        handle = 1
        for service in peripheral.services:
            service.path = f"{peripheral.path}/service{handle:04x}"
            handle += 1
            for one in service.characteristics:
                one.path = f"{service.path}/char{handle:04x}"
                handle += 3  # declaration, value, descriptor
        self.peripherals[peripheral.path] = peripheral

    def adapter_of(self, peripheral: Peripheral) -> Adapter | None:
        return self.adapters.get(peripheral.path.rsplit("/", 1)[0])

    def behind(self, adapter: str) -> list[Peripheral]:
        """The peripherals that an adapter reaches."""
        return [one for path, one in self.peripherals.items() if path.startswith(adapter + "/")]

    def known(self, path: str) -> Peripheral:
        """The exported peripheral at ``path``."""
        found = self.peripherals.get(path)
        if found is None or not found.known:
            raise BlueZError(names.UNKNOWN_OBJECT, path)
        return found

    def characteristic(self, path: str) -> Characteristic:
        """The characteristic at ``path`` where it may be used now: connected, and bonded if it needs that."""
        for peripheral in self.peripherals.values():
            for one in characteristics(peripheral):
                if one.path == path:
                    if not peripheral.connected:
                        raise BlueZError(names.FAILED, "Not connected")
                    if one.encrypted and not peripheral.paired:
                        raise names.att_error(0x05)  # insufficient authentication
                    return one
        raise BlueZError(names.UNKNOWN_OBJECT, path)

    def managed(self) -> dict[str, Interfaces]:
        """The answer to GetManagedObjects."""
        found: dict[str, Interfaces] = {}
        for adapter in self.adapters.values():
            found[adapter.path] = adapter_interfaces(adapter)
        for peripheral in self.peripherals.values():
            if peripheral.known:
                found[peripheral.path] = {names.DEVICE: device_properties(peripheral)}
                if peripheral.resolved:
                    found.update(gatt_objects(peripheral))
        return found


def characteristics(peripheral: Peripheral) -> Iterator[Characteristic]:
    for service in peripheral.services:
        yield from service.characteristics


def adapter_interfaces(adapter: Adapter) -> dict[str, dict[str, Variant]]:
    return {
        names.ADAPTER: {
            "Address": Variant("s", f"00:00:00:00:5E:{adapter.number:02X}"),
            "AddressType": Variant("s", "public"),
            "Name": Variant("s", "fake"),
            "Alias": Variant("s", "fake"),
            "Class": Variant("u", 0),
            "Powered": Variant("b", adapter.powered),
            "Discoverable": Variant("b", False),
            "DiscoverableTimeout": Variant("u", 0),
            "Pairable": Variant("b", True),
            "PairableTimeout": Variant("u", 0),
            "Discovering": Variant("b", bool(adapter.discoverers)),
            "UUIDs": Variant("as", []),
            "Modalias": Variant("s", "usb:v1D6Bp0246d0542"),
            "Roles": Variant("as", ["central", "peripheral"]),
        },
        names.MONITORS: {"SupportedMonitorTypes": Variant("as", ["or_patterns"]), "SupportedFeatures": Variant("as", [])},
    }


def advertisement(peripheral: Peripheral) -> dict[str, Variant]:
    """The properties that each advertisement refreshes."""
    found = {"RSSI": Variant("n", peripheral.rssi)}
    if peripheral.manufacturer_data:
        data = {company: Variant("ay", value) for company, value in peripheral.manufacturer_data.items()}
        found["ManufacturerData"] = Variant("a{qv}", data)
    return found


def device_properties(peripheral: Peripheral) -> dict[str, Variant]:
    found = advertisement(peripheral)
    if peripheral.connected:
        del found["RSSI"]
    return found | {
        "Address": Variant("s", peripheral.address),
        "AddressType": Variant("s", peripheral.address_type),
        "Name": Variant("s", peripheral.name),
        "Alias": Variant("s", peripheral.name),
        "Paired": Variant("b", peripheral.paired),
        "Bonded": Variant("b", peripheral.paired),
        "Trusted": Variant("b", peripheral.trusted),
        "Blocked": Variant("b", False),
        "LegacyPairing": Variant("b", False),
        "Connected": Variant("b", peripheral.connected),
        "ServicesResolved": Variant("b", peripheral.resolved),
        "UUIDs": Variant("as", uuids(peripheral)),
        "Adapter": Variant("o", peripheral.path.rsplit("/", 1)[0]),
    }


def uuids(peripheral: Peripheral) -> list[str]:
    """The services known so far: all of them once resolved, before that the advertised ones."""
    return [one.uuid for one in peripheral.services] if peripheral.resolved else peripheral.advertised


def gatt_objects(peripheral: Peripheral) -> dict[str, Interfaces]:
    """Services, characteristics and descriptors by path, in the order BlueZ exports them."""
    found: dict[str, Interfaces] = {}
    for service in peripheral.services:
        found[service.path] = {
            names.SERVICE: {
                "UUID": Variant("s", service.uuid),
                "Device": Variant("o", peripheral.path),
                "Primary": Variant("b", True),
                "Includes": Variant("ao", []),
            }
        }
        for one in service.characteristics:
            found[one.path] = {names.CHARACTERISTIC: _characteristic(peripheral, service, one)}
            if one.subscribable:
                found[f"{one.path}/desc{int(one.path[-4:], 16) + 2:04x}"] = {
                    names.DESCRIPTOR: {
                        "UUID": Variant("s", full_uuid(0x2902)),
                        "Characteristic": Variant("o", one.path),
                        "Value": Variant("ay", b""),
                    }
                }
    return found


def _characteristic(peripheral: Peripheral, service: Service, one: Characteristic) -> dict[str, Variant]:
    found = {
        "UUID": Variant("s", one.uuid),
        "Service": Variant("o", service.path),
        "Flags": Variant("as", list(one.flags)),
        "Value": Variant("ay", one.value),
        "MTU": Variant("q", peripheral.mtu),
    }
    if one.subscribable:
        found["Notifying"] = Variant("b", one.notifying)
    return found
