"""The course of simulated patients: a declarative timeline, and its state at any instant as a pure function.

Times of events are seconds after the scenario's ``start``.  Everything is a function of (seed, time), so a test that knows
the scenario can compute the values a gateway must measure and the alarms that must follow.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from typing import Final

from devices.vitals import Vital
from simulators.errors import ScenarioError
from simulators.physiology import Physiology, Vitals

_SETTABLE: Final = frozenset(Vitals.__slots__)


class Sensor(StrEnum):
    """The sensors a patient may wear or use."""

    BELT = "belt"
    OXIMETER = "oximeter"
    CUFF = "cuff"
    THERMOMETER = "thermometer"
    SCALE = "scale"


@dataclass(frozen=True, slots=True)
class Deteriorate:
    """From ``at`` on, over ``over`` seconds, the patient moves smoothly to ``targets``; from ``recover_at`` on back."""

    patient: int
    at: float
    over: float
    targets: Mapping[Vital, float]
    recover_at: float | None = None
    recover_over: float = 60.0


@dataclass(frozen=True, slots=True)
class SensorOff:
    """A sensor comes off the body; without ``lasts`` it stays off."""

    patient: int
    sensor: Sensor
    at: float
    lasts: float | None = None


@dataclass(frozen=True, slots=True)
class LinkDrop:
    """A sensor is out of radio reach for ``lasts`` seconds."""

    patient: int
    sensor: Sensor
    at: float
    lasts: float


@dataclass(frozen=True, slots=True)
class NetworkLoss:
    """A gateway has no network for ``lasts`` seconds; the program that runs the gateway has to act on it."""

    gateway: str
    at: float
    lasts: float


Event = Deteriorate | SensorOff | LinkDrop | NetworkLoss


@dataclass(frozen=True, slots=True)
class Instant:
    """A moment at which something changes: ``time`` in ms since the epoch."""

    time: int
    what: str  # deteriorate, recover, sensor_off, sensor_on, link_drop, link_back, network_loss, network_back
    event: Event


@dataclass(frozen=True)
class Scenario:
    """``start`` in ms since the epoch; ``patients`` are numbered from 0."""

    start: int
    patients: int
    seed: int = 0
    events: tuple[Event, ...] = ()
    _bodies: dict[int, Physiology] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        for event in self.events:
            _check(event, self.patients)

    def vitals(self, patient: int, now: int) -> Vitals:
        """The patient's vitals at ``now`` (ms since the epoch)."""
        body = self._body(patient)
        found = body.at(now / 1000)
        after = (now - self.start) / 1000
        for event in self.events:
            if isinstance(event, Deteriorate) and event.patient == patient:
                found = _moved(found, body.rest, event, _share(event, after))
        return found

    def worn(self, patient: int, sensor: Sensor, now: int) -> bool:
        """True while the sensor is on the body."""
        off = (one for one in self.events if isinstance(one, SensorOff) and (one.patient, one.sensor) == (patient, sensor))
        return not self._during(off, now)

    def in_reach(self, patient: int, sensor: Sensor, now: int) -> bool:
        """True while the sensor is in radio reach of the gateway."""
        far = (one for one in self.events if isinstance(one, LinkDrop) and (one.patient, one.sensor) == (patient, sensor))
        return not self._during(far, now)

    def online(self, gateway: str, now: int) -> bool:
        """True while the gateway has its network."""
        lost = (one for one in self.events if isinstance(one, NetworkLoss) and one.gateway == gateway)
        return not self._during(lost, now)

    def wearer(self, patient: int) -> Wearer:
        """The body of one patient, for the sensors on it."""
        if not 0 <= patient < self.patients:
            raise ScenarioError(f"patient {patient} is not in a scenario of {self.patients}")
        return Wearer(self, patient)

    @cached_property
    def instants(self) -> tuple[Instant, ...]:
        """All moments at which something begins or ends, in order."""
        found: list[Instant] = []
        for event in self.events:
            begin, end = _NAMES[type(event)]
            found.append(Instant(self.start + round(event.at * 1000), begin, event))
            if isinstance(event, Deteriorate):
                until = event.recover_at
            else:
                until = None if event.lasts is None else event.at + event.lasts
            if until is not None:
                found.append(Instant(self.start + round(until * 1000), end, event))
        return tuple(sorted(found, key=lambda one: one.time))

    def _during(self, events: Iterable[SensorOff | LinkDrop | NetworkLoss], now: int) -> bool:
        after = (now - self.start) / 1000
        return any(one.at <= after and (one.lasts is None or after < one.at + one.lasts) for one in events)

    def _body(self, patient: int) -> Physiology:
        if patient not in self._bodies:
            self._bodies[patient] = Physiology(self.seed * 1_000_003 + patient)
        return self._bodies[patient]


@dataclass(frozen=True, slots=True)
class Wearer:
    """The body a simulated sensor is on; ``now`` in ms since the epoch."""

    scenario: Scenario
    patient: int

    def vitals(self, now: int) -> Vitals:
        return self.scenario.vitals(self.patient, now)

    def worn(self, sensor: Sensor, now: int) -> bool:
        return self.scenario.worn(self.patient, sensor, now)

    def in_reach(self, sensor: Sensor, now: int) -> bool:
        return self.scenario.in_reach(self.patient, sensor, now)


_NAMES: Final[dict[type[Event], tuple[str, str]]] = {
    Deteriorate: ("deteriorate", "recover"),
    SensorOff: ("sensor_off", "sensor_on"),
    LinkDrop: ("link_drop", "link_back"),
    NetworkLoss: ("network_loss", "network_back"),
}


def _check(event: Event, patients: int) -> None:
    if not isinstance(event, NetworkLoss) and not 0 <= event.patient < patients:
        raise ScenarioError(f"patient {event.patient} is not in a scenario of {patients}")
    if event.at < 0:
        raise ScenarioError("an event cannot be before the scenario's start")
    if isinstance(event, Deteriorate):
        unknown = [vital.name.lower() for vital in event.targets if vital.name.lower() not in _SETTABLE]
        if unknown:
            raise ScenarioError(f"a body has no {unknown[0]} to deteriorate; use one of {', '.join(sorted(_SETTABLE))}")
        if event.over <= 0 or event.recover_over <= 0:
            raise ScenarioError("a deterioration and a recovery need more than 0 seconds")
        if event.recover_at is not None and event.recover_at < event.at + event.over:
            raise ScenarioError("a recovery cannot begin before the deterioration is complete")
    elif event.lasts is not None and event.lasts <= 0:
        raise ScenarioError("an event has to last more than 0 seconds")


def _share(event: Deteriorate, after: float) -> float:
    """The progress of a deterioration: 0 at rest, 1 at the targets, smooth in between."""
    down = _ease((after - event.at) / event.over)
    back = 0.0 if event.recover_at is None else _ease((after - event.recover_at) / event.recover_over)
    return down - back


def _ease(share: float) -> float:
    bounded = min(max(share, 0.0), 1.0)
    return bounded * bounded * (3 - 2 * bounded)


def _moved(vitals: Vitals, rest: Vitals, event: Deteriorate, share: float) -> Vitals:
    """Move the vitals towards the targets; the body's own variation goes on, at the targets with a third of its size."""
    moved: dict[str, float] = {}
    for vital, target in event.targets.items():
        middle = rest.of(vital)
        moved[vital.name.lower()] = middle + share * (target - middle) + (1 - share * 2 / 3) * (vitals.of(vital) - middle)
    return replace(vitals, **moved)
