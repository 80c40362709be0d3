"""The messages between a gateway and the desk over HTTP: claim once, then long-poll the configuration.

``POST /gateway/v1/claim`` with :class:`Claim` answers :class:`Claimed` (404 for a code that is unknown, used or older than
60 min).  ``GET /gateway/v1/config`` with ``Authorization: Bearer CREDENTIAL`` answers :class:`Config` and an ``ETag`` as
soon as that is not the one of ``If-None-Match``, or 304 after ``wait`` seconds (at most 30).  410 says that the credential
has ended; 401 that this desk does not know it: it may be the wrong desk, or one whose database is empty.

Where ``Config.refused`` is true, ``GET /gateway/v1/refused`` answers :class:`Refusals`, and :class:`Places` posted there say
which of them the gateway has on its disk.  While a configuration holds a :class:`Scan`, the gateway looks for devices and
sends what it sees as :class:`Seen` to ``POST /gateway/v1/seen``, every two seconds; 204, or 409 once nobody asks for that
scan any more.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec

Place = tuple[str, int, int, int]
"""The place of a refusal: the log's id, partition, offset, reading (-1: the whole record)."""


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


class RefusedReadings(msgspec.Struct, frozen=True):
    """``count`` readings of a device from ``sequence`` on, which the log refused for good at ``place``, and the reason."""

    place: Place
    device: int
    epoch: int
    sequence: int
    count: int
    reason: str


class Refusals(msgspec.Struct, frozen=True):
    refused: tuple[RefusedReadings, ...] = ()


class Places(msgspec.Struct, frozen=True):
    places: tuple[Place, ...] = ()


class Withdrawn(msgspec.Struct, frozen=True):
    """A patient who consents no longer, since ``at`` (ms)."""

    patient: int
    at: int


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
    """The devices that a scan has seen, the nearest first; ``fault``: the reason for which the gateway cannot look."""

    request: int
    devices: Annotated[tuple[Nearby, ...], msgspec.Meta(max_length=MOST_NEARBY)] = ()
    fault: Annotated[str, msgspec.Meta(max_length=100)] = ""


class Config(msgspec.Struct, frozen=True):
    """A gateway's configuration.  It names a patient and a device only once their consent and enrolment have taken effect in
    the log.  ``leaving`` are keys of patients whom the gateway serves no more: what was measured before may still be sent.
    """

    version: int
    kafka: str  # bootstrap servers
    topic: str
    patients: tuple[PatientKey, ...] = ()
    devices: tuple[Assigned, ...] = ()
    heartbeat_s: float = 30.0
    linger_s: float = 1.0  # how long readings wait for company in a batch
    resend: Resend | None = None
    leaving: tuple[PatientKey, ...] = ()
    withdrawn: tuple[Withdrawn, ...] = ()
    refused: bool = False  # there are refusals to fetch
    scan: Scan | None = None
    zone: str = ""  # of the home, such as Europe/Berlin: devices whose clock cannot be read send local time
