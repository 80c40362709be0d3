"""The data of the worklist, read at one moment.  Times are int64 ms since the epoch, UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from alerts.care.limits import BySide
from alerts.desk.worklist.spark import Buckets
from alerts.life.alarm import Alarm
from devices.wire.control import Facts


@dataclass(frozen=True, slots=True)
class Person:
    person: int
    name: str
    role: str
    teams: frozenset[int]


@dataclass(frozen=True, slots=True)
class Device:
    device: int
    name: str
    gateway: int
    gateway_name: str
    interval_s: int
    battery: int | None = None  # %
    rssi: int | None = None  # dBm of the newest link event
    linked: bool | None = None
    faults: tuple[str, ...] = ()  # what it, or its gateway, said within a day that cannot be used, in words


@dataclass(frozen=True, slots=True)
class Away:
    """A patient who is not watched until ``until`` (ms), and why; ``by``: the person who said so."""

    until: int
    reason: str
    by: int


@dataclass(frozen=True, slots=True)
class Patient:
    """A patient at home.  ``limits``: those in effect; ``devices`` in the order of enrolment; ``away``: paused whole."""

    patient: int
    team: int
    name: str  # "EXAMPLETON, Ada"
    born: str | None  # ISO date
    sex: str
    record: str
    phone: str
    admitted: int
    facts: Facts
    devices: tuple[Device, ...] = ()
    limits: BySide = field(default_factory=dict)
    away: Away | None = None


@dataclass(frozen=True, slots=True)
class Value:
    """The newest value of one vital of one device; where that is unusable, the last usable one stands beside it."""

    patient: int
    vital: int
    device: int
    at: int
    value: float | None
    status: int
    arrived: int
    at_arrival: bool = False
    """``at`` is that of its arrival at the gateway: the device's clock is wrong
    (:class:`devices.wire.batch.ClockQuality`)."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something of a patient (0: of everybody) that is stored and cannot be read, in a word or two."""

    patient: int
    what: str


@dataclass(frozen=True, slots=True)
class Paging:
    """``running``: the parts of the notifier that are connected; ``waiting``: messages to people that are overdue;
    ``delivered``: ms of the newest receipt; ``channels`` that reach people, by care team.
    """

    running: frozenset[str] = frozenset()
    waiting: int = 0
    delivered: int | None = None
    channels: Mapping[int, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Paged:
    """The last person or team who got a message about an episode, and when."""

    who: str
    at: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """``read_at`` by the database's clock; ``data_at``: append time of the newest record taken from the log."""

    number: int
    read_at: int
    data_at: int | None
    patients: Mapping[int, Patient]
    people: Mapping[int, Person]
    values: Mapping[int, tuple[Value, ...]]
    alarms: tuple[Alarm, ...]
    sparks: Mapping[tuple[int, int], Buckets]  # by (patient, vital)
    paged: Mapping[int, Paged] = field(default_factory=dict)  # the last receipt, by episode
    calls_next: Mapping[int, int] = field(default_factory=dict)  # when an episode calls again (ms), if nothing changes
    paging: Paging = field(default_factory=Paging)
    prefer: Mapping[int, int] = field(default_factory=dict)  # s by vital, in which the first device decides alone
    teams: Mapping[int, str] = field(default_factory=dict)
    offers: tuple[tuple[int, int, int], ...] = ()  # open hand-overs: number, giver, taker
    faults: tuple[Fault, ...] = ()
