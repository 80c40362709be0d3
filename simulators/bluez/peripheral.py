"""A simulated peripheral: its services, its behaviour and its faults.

All of it is used on the event loop of the :class:`simulators.fakebluez.FakeBlueZ` it was added to.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from devices.gatt.uuids import full_uuid
from simulators.errors import BlueZError


class Radio(Protocol):
    """The part of the fake BlueZ that a peripheral uses."""

    def notify(self, peripheral: Peripheral, characteristic: Characteristic, value: bytes) -> bool: ...
    def drop(self, peripheral: Peripheral) -> None: ...


@dataclass(eq=False)
class Characteristic:
    """One GATT characteristic; ``flags`` are BlueZ's words: read, write, write-without-response, notify, indicate.

    ``on_read`` returns a fresh value or raises :class:`BlueZError`; ``on_write`` takes one, or raises.
    ``on_subscribe`` is called when the first client subscribes (True) and when the last one is gone (False).  An
    ``encrypted`` characteristic needs a bond; one that ``refuses`` or ``drops`` cannot be subscribed to.
    """

    uuid: str
    flags: tuple[str, ...]
    value: bytes = b""
    on_read: Callable[[], bytes] | None = None
    on_write: Callable[[bytes], None] | None = None
    on_subscribe: Callable[[bool], None] | None = None
    encrypted: bool = False
    refuses: BlueZError | None = None  # the answer to each subscription
    drops: bool = False  # a subscription ends the link
    path: str = ""
    subscribers: set[str] = field(default_factory=set)  # unique bus names

    @property
    def notifying(self) -> bool:
        """True while a client is subscribed."""
        return bool(self.subscribers)

    @property
    def subscribable(self) -> bool:
        return "notify" in self.flags or "indicate" in self.flags


@dataclass(eq=False)
class Service:
    uuid: str
    characteristics: list[Characteristic]
    path: str = ""


@dataclass(eq=False)
class Peripheral:
    """A Bluetooth LE device.  The second block are faults that a test may switch on, the third is the state of the link."""

    address: str
    name: str
    services: list[Service]
    advertised: list[str] = field(default_factory=list)
    address_type: str = "public"
    manufacturer_data: dict[int, bytes] = field(default_factory=dict)
    advertising_interval: float = 0.1  # s
    rssi: int = -60
    mtu: int = 247
    passkey: int | None = None  # None: pairs without one (Just Works)
    on_connect: Callable[[], None] | None = None
    on_disconnect: Callable[[], None] | None = None

    connect_delay: float = 0.02  # s
    connect_errors: list[BlueZError] = field(default_factory=list)  # one for each of the next calls of Connect
    hang_connect: bool = False  # Connect never answers
    hang_services: bool = False  # connects, but its services are never resolved
    in_range: bool = True
    advertising: bool = True  # a cuff is silent until it has something to send

    connected: bool = False
    connecting: bool = False
    resolved: bool = False
    paired: bool = False
    trusted: bool = False
    known: bool = False  # exported on the bus
    path: str = ""
    radio: Radio | None = None

    def characteristic(self, uuid: int | str) -> Characteristic:
        """The first characteristic of that UUID; ``KeyError`` when there is none."""
        full = full_uuid(uuid)
        for service in self.services:
            for one in service.characteristics:
                if one.uuid == full:
                    return one
        raise KeyError(full)

    def notify(self, uuid: int | str, value: bytes) -> bool:
        """Send a notification or indication.  False without a subscriber: the peripheral must keep the value."""
        return self.radio is not None and self.radio.notify(self, self.characteristic(uuid), value)

    def drop_link(self) -> None:
        """Lose or end the connection, if there is one."""
        if self.radio is not None:
            self.radio.drop(self)
