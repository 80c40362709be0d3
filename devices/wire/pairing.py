"""The messages between a gateway and the desk over HTTP: claim once, then long-poll the configuration.

``POST /gateway/v1/claim`` with :class:`Claim` answers :class:`Claimed` (404 for a code that is unknown, used or older than
60 min).  ``GET /gateway/v1/config?since=VERSION`` with ``Authorization: Bearer CREDENTIAL`` answers :class:`Config` as soon
as its version is greater, or 304 after ``wait`` seconds (at most 30); 401 once the credential is revoked.  While a
configuration holds a :class:`Scan`, the gateway looks for devices and sends what it sees as :class:`Seen` to
``POST /gateway/v1/seen``, every two seconds; 204, or 409 once nobody asks for that scan any more.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec


class Claim(msgspec.Struct, frozen=True):
    code: str


class Claimed(msgspec.Struct, frozen=True):
    gateway: int
    credential: str  # opaque, 256 bits; the desk keeps only its hash


class PatientKey(msgspec.Struct, frozen=True):
    """The data key of one (patient, gateway); bytes travel as base64."""

    patient: int
    key: int
    secret: bytes


class Assigned(msgspec.Struct, frozen=True):
    """A device this gateway listens to, and the patient it measures."""

    device: int
    patient: int
    since: int  # ms: readings measured earlier belong to another patient
    source: Literal["ble", "mqtt"]
    address: str  # BLE address, or the name below dev/ on the broker
    interval_s: int = 0
    user: int | None = None  # of a device that several people use: the number under which it keeps this one


class Resend(msgspec.Struct, frozen=True):
    """An order to send again all readings delivered since ``since`` (ms), once for each ``request``: the log lost a part."""

    request: int
    since: int


class Scan(msgspec.Struct, frozen=True):
    """An order to look for devices until a time (ms, by the desk's clock).

    ``buzz``: the address of one that is to make itself noticed, once for each ``buzz_request``.
    """

    request: int
    until: int
    buzz: str = ""
    buzz_request: int = 0


class Nearby(msgspec.Struct, frozen=True):
    """A device that advertises ``profiles`` (:attr:`devices.gatt.profile.Profile.name`); ``rssi`` in dBm."""

    address: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    name: Annotated[str, msgspec.Meta(max_length=60)]
    profiles: Annotated[tuple[Annotated[str, msgspec.Meta(max_length=60)], ...], msgspec.Meta(min_length=1, max_length=20)]
    rssi: Annotated[int, msgspec.Meta(ge=-128, le=127)]
    can_buzz: bool = False


MOST_NEARBY: Final = 40


class Seen(msgspec.Struct, frozen=True):
    """What a scan has seen so far, the nearest first; ``fault``: the reason for which the gateway cannot look."""

    request: int
    devices: Annotated[tuple[Nearby, ...], msgspec.Meta(max_length=MOST_NEARBY)] = ()
    fault: Annotated[str, msgspec.Meta(max_length=100)] = ""


class Config(msgspec.Struct, frozen=True):
    version: int
    kafka: str  # bootstrap servers
    topic: str
    patients: tuple[PatientKey, ...] = ()
    devices: tuple[Assigned, ...] = ()
    heartbeat_s: float = 30.0
    linger_s: float = 1.0  # how long readings wait for company in a batch
    resend: Resend | None = None
    scan: Scan | None = None
    zone: str = ""  # of the home, such as Europe/Berlin: devices whose clock cannot be read send local time
