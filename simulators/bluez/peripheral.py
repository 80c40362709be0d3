"""A simulated peripheral: what it offers, what it does when asked, and the faults it can have.

All of it is used on the event loop of the :class:`simulators.fakebluez.FakeBlueZ` it was added to.
"""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from devices.gatt.uuids import full_uuid
from simulators.errors import BlueZError


class Radio(Protocol):
    """What a peripheral needs of the fake BlueZ it was added to."""

    def notify(self, peripheral: Peripheral, characteristic: Characteristic, value: bytes) -> bool: ...
    def drop(self, peripheral: Peripheral) -> None: ...


@dataclass(eq=False)
class Characteristic:
    """One GATT characteristic; ``flags`` are BlueZ's words: read, write, notify, indicate.

    ``on_read`` gives a fresh value, and ``on_write`` takes one; either may raise :class:`BlueZError`.  ``on_subscribe`` is
    told when the first client subscribes and when the last one is gone.  An ``encrypted`` one needs a bond.
    """

    uuid: str
    flags: tuple[str, ...]
    value: bytes = b""
    on_read: Callable[[], bytes] | None = None
    on_write: Callable[[bytes], Awaitable[None] | None] | None = None
    on_subscribe: Callable[[bool], None] | None = None
    encrypted: bool = False
    path: str = ""
    subscribers: set[str] = field(default_factory=set)  # unique bus names, by StartNotify
    pipe: socket.socket | None = None  # our end, by AcquireNotify
    dropped: int = 0  # notifications lost to a client that did not read its pipe

    @property
    def notifying(self) -> bool:
        """Whether anybody is subscribed."""
        return bool(self.subscribers) or self.pipe is not None

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
    """A Bluetooth LE device.  The second block are faults a test may switch on, the third is the fake's own record."""

    address: str
    name: str
    services: list[Service]
    advertised: list[str] = field(default_factory=list)
    address_type: str = "public"
    manufacturer_data: dict[int, bytes] = field(default_factory=dict)
    service_data: dict[str, bytes] = field(default_factory=dict)
    advertising_interval: float = 0.1  # s
    rssi: int = -60
    mtu: int = 247
    passkey: int | None = None  # None: Just Works
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
        """Send a notification or indication.  False where nobody is subscribed: the peripheral must keep the value."""
        return self.radio is not None and self.radio.notify(self, self.characteristic(uuid), value)

    def drop_link(self) -> None:
        """Lose or end the connection; nothing where there is none."""
        if self.radio is not None:
            self.radio.drop(self)
