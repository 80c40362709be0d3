"""The demo's plan: invented patients, what they wear, and what is going to happen to them.  Pure data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal, Self

from alerts.rules.news2.score import FEWEST
from alerts.rules.parameters import parameter_of
from devices.vitals import Vital
from simulators.scenario import Deteriorate, Event, NetworkLoss, Scenario, Sensor, SensorOff

Wears = Literal["belt", "oximeter", "cuff", "thermometer", "patch", "ring"]
"""belt, oximeter, cuff, thermometer speak BLE; patch (respiration, heart rate) and ring (SpO₂, pulse) speak MQTT."""

OVER_BLE: Final[frozenset[Wears]] = frozenset({"belt", "oximeter", "cuff", "thermometer"})

WORN_AS: Final[Mapping[Wears, Sensor]] = {
    "belt": Sensor.BELT,
    "oximeter": Sensor.OXIMETER,
    "cuff": Sensor.CUFF,
    "thermometer": Sensor.THERMOMETER,
    "patch": Sensor.BELT,
    "ring": Sensor.OXIMETER,
}
"""The place on the body: what befalls the sensor there in a scenario befalls the wearable."""

SPARE: Final = "C0:DE:00:00:00:2A"
"""The address of a belt that lies beside the third patient and is nobody's: it can be paired at the patient's page."""

_OVER_MQTT: Final[Mapping[Wears, Wears]] = {"belt": "patch", "oximeter": "ring"}
"""The MQTT wearable that stands in for a Bluetooth one; a measurement taken by hand has none."""


@dataclass(frozen=True, slots=True)
class Wearable:
    """``address`` is what the device advertises, or its name below dev/ on the broker; ``interval_s`` 0: by hand."""

    kind: Wears
    address: str
    interval_s: int

    @property
    def source(self) -> Literal["ble", "mqtt"]:
        return "ble" if self.kind in OVER_BLE else "mqtt"


@dataclass(frozen=True, slots=True)
class Person:
    """A patient.  ``home`` is the index of the home, and so of the gateway."""

    family: str
    given: str
    born: str
    sex: Literal["female", "male"]
    record_number: str
    home: int
    wears: tuple[Wearable, ...]

    def without_bluetooth(self, number: int) -> Self:
        """The same patient with MQTT wearables alone, named by ``number`` where they are new."""
        spoken = [one for one in self.wears if one.kind not in OVER_BLE]
        for one in self.wears:
            instead = _OVER_MQTT.get(one.kind)
            if instead and instead not in [other.kind for other in spoken]:
                spoken.append(_mqtt(instead, number))
        return replace(self, wears=tuple(spoken))


@dataclass(frozen=True, slots=True)
class SignIn:
    sign_in: str
    name: str
    role: Literal["nurse", "clinician", "administrator"]
    password: str


@dataclass(frozen=True, slots=True)
class Plan:
    team: str = "Home ward North"
    phone: str = "030 5550 100"
    homes: tuple[str, ...] = ()
    people: tuple[Person, ...] = ()
    staff: tuple[SignIn, ...] = ()
    events: tuple[Event, ...] = ()

    @property
    def wearables(self) -> list[tuple[Person, Wearable]]:
        return [(person, wearable) for person in self.people for wearable in person.wears]

    def scenario(self, start: int) -> Scenario:
        """The events of all patients, from ``start`` (ms since the epoch) on."""
        return Scenario(start, len(self.people), seed=7, events=self.events)

    def without_bluetooth(self) -> Self:
        """The same story for a machine without D-Bus: all wear MQTT, and nobody is measured by hand."""
        return replace(self, people=tuple(person.without_bluetooth(n) for n, person in enumerate(self.people, 1)))

    @property
    def complete_s(self) -> float:
        """The seconds after which every event is over and every alarm must be there: holds, scores, heartbeats included."""
        return COMPLETE_S

    def expected(self) -> list[tuple[Person, str, Wears | None]]:
        """The alarms that must follow from the events: (patient, rule, the wearable it concerns, or None).

        A wearable that is not worn raises none, and a score needs its inputs.
        """
        found: list[tuple[Person, str, Wears | None]] = []
        for event in self.events:
            if isinstance(event, Deteriorate):
                person = self.people[event.patient]
                worn = [one.kind for one in person.wears]
                for vital, side in _WORSE.items():
                    if any(parameter_of(one) == vital for kind in worn for one in _MEASURED[kind]):
                        found.append((person, f"{vital.name.lower()}.{side}", None))
                if _inputs(worn) >= FEWEST:
                    found.append((person, "news2", None))
            elif isinstance(event, SensorOff):
                person = self.people[event.patient]
                found += [(person, "sensor_off", one.kind) for one in person.wears if WORN_AS[one.kind] is event.sensor]
            elif isinstance(event, NetworkLoss):
                found += [(one, "gateway_offline", None) for one in self.people if self.homes[one.home] == event.gateway]
        return found


COMPLETE_S: Final = 75.0

_WORSE: Final[Mapping[Vital, str]] = {
    Vital.HEART_RATE: "high",
    Vital.SPO2: "low",
    Vital.RESPIRATORY_RATE: "high",
}
"""The parameters beyond their limits once the deterioration below is complete."""

_MEASURED: Final[Mapping[Wears, frozenset[Vital]]] = {
    "belt": frozenset({Vital.HEART_RATE}),
    "oximeter": frozenset({Vital.SPO2, Vital.PULSE_RATE}),
    "cuff": frozenset({Vital.SYSTOLIC, Vital.DIASTOLIC, Vital.MEAN_ARTERIAL, Vital.PULSE_RATE}),
    "thermometer": frozenset({Vital.TEMPERATURE}),
    "patch": frozenset({Vital.HEART_RATE, Vital.RESPIRATORY_RATE}),
    "ring": frozenset({Vital.SPO2, Vital.PULSE_RATE}),
}

_SCORED: Final = frozenset({Vital.RESPIRATORY_RATE, Vital.SPO2, Vital.SYSTOLIC, Vital.HEART_RATE, Vital.TEMPERATURE})
"""NEWS2's inputs among the vitals."""


def _inputs(worn: Iterable[Wears]) -> int:
    """The number of NEWS2's inputs that these wearables measure; a heart rate counts as the pulse."""
    measured = {vital for kind in worn for vital in _MEASURED[kind]}
    return len({parameter_of(vital) for vital in measured} & _SCORED)


def _ble(kind: Wears, number: int, interval_s: int) -> Wearable:
    return Wearable(kind, f"C0:DE:00:00:00:{number:02X}", interval_s)


def _mqtt(kind: Wears, number: int) -> Wearable:
    return Wearable(kind, f"{kind}-{number}", 1)


HOMES: Final = ("Home 1, Mill Lane", "Home 2, Harbour Street")

DEMO: Final = Plan(
    homes=HOMES,
    people=(
        Person(
            "EXAMPLETON",
            "Ada",
            "1945-07-14",
            "female",
            "VT-4174-4",
            0,
            (_ble("belt", 1, 1), _ble("oximeter", 2, 1), _ble("cuff", 3, 0), _ble("thermometer", 4, 0), _mqtt("patch", 1)),
        ),
        Person("TESTWELL", "Bruno", "1958-03-02", "male", "VT-4211-1", 0, (_ble("belt", 5, 1), _ble("oximeter", 6, 1))),
        Person("PLACEHOLDER", "Edith", "1939-11-28", "female", "VT-4248-8", 0, (_mqtt("patch", 3), _mqtt("ring", 3))),
        Person("MOCKFORD", "Daniel", "1963-05-17", "male", "VT-4285-5", 1, (_mqtt("patch", 4), _mqtt("ring", 4))),
        Person("FIXTUREAU", "Simone", "1970-09-30", "female", "VT-4322-2", 1, (_ble("belt", 7, 1), _mqtt("ring", 5))),
        Person("DUMMYKIN", "Frank", "1948-08-11", "male", "VT-4359-9", 1, (_mqtt("patch", 6), _mqtt("ring", 6))),
    ),
    staff=(
        SignIn("nurse", "M. Testova", "nurse", "night-shift-demo"),
        SignIn("clinician", "A. Fictus", "clinician", "ward-round-demo"),
        SignIn("admin", "J. Sample", "administrator", "key-bunch-demo"),
    ),
    events=(
        Deteriorate(
            patient=0,
            at=8,
            over=12,
            targets={Vital.HEART_RATE: 138, Vital.SPO2: 88, Vital.RESPIRATORY_RATE: 28},
        ),
        SensorOff(patient=1, sensor=Sensor.OXIMETER, at=10),
        NetworkLoss(gateway=HOMES[1], at=14, lasts=36),
    ),
)
