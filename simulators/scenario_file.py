"""Scenarios as files that read like a specification: TOML in ``simulators/scenarios/``.

name = "Sepsis"
about = "Fever first, then pulse and breathing, then pressure."
patients = 1

[[patient]]
number = 0
from = "2 h"                  # of the scenario
over = "4 h"                  # until the values are reached
to = { temperature = 39.2, heart_rate = 118 }
recovers = "20 h"             # left out: never
recovers_over = "6 h"

[[sensor]]
patient = 0
kind = "oximeter"
from = "30 min"
for = "2 min"                 # left out: for good
fault = "off"                 # "off" the body, or "far" from the gateway

[[network]]
gateway = "home-0"
from = "1 h"
for = "10 min"
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from devices.vitals import vital_named
from simulators.errors import ScenarioError
from simulators.scenario import Deteriorate, Event, LinkDrop, NetworkLoss, Scenario, Sensor, SensorOff

FOLDER: Final = Path(__file__).parent / "scenarios"
_SECONDS: Final = {"s": 1, "min": 60, "h": 3600, "d": 86_400}
_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?) (s|min|h|d)")

Count = Annotated[int, Meta(ge=1, le=1_000_000)]


class PatientChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"begins": "from"}):
    number: int
    begins: str
    over: str
    to: dict[str, float]
    recovers: str | None = None
    recovers_over: str = "1 h"


class SensorFault(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"begins": "from", "lasts": "for"}):
    patient: int
    kind: Sensor
    begins: str
    fault: Literal["off", "far"]
    lasts: str | None = None


class NetworkFault(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"begins": "from", "lasts": "for"}):
    gateway: str
    begins: str
    lasts: str


class ScenarioFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The content of a file; :meth:`scenario` makes it run."""

    name: str
    about: str
    patients: Count = 1
    patient: tuple[PatientChange, ...] = ()
    sensor: tuple[SensorFault, ...] = ()
    network: tuple[NetworkFault, ...] = ()

    def scenario(self, start: int, seed: int = 0) -> Scenario:
        """The scenario from ``start`` (ms since the epoch) on; :class:`ScenarioError` for one that makes no sense."""
        events: list[Event] = [_deteriorate(one) for one in self.patient]
        events += [_sensor(one) for one in self.sensor]
        events += [NetworkLoss(one.gateway, _seconds(one.begins), _seconds(one.lasts)) for one in self.network]
        return Scenario(start, self.patients, seed, tuple(events))


def read_scenario(path: Path) -> ScenarioFile:
    """Read and check a file; :class:`ScenarioError` says what to change."""
    try:
        found = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), ScenarioFile)
        found.scenario(0)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ScenarioError(f"{path.name} cannot be read: {error}") from None
    except ScenarioError as error:
        raise ScenarioError(f"{path.name}: {error}") from None
    return found


def scenarios() -> dict[str, ScenarioFile]:
    """The scenarios that come with Vigil, by the name of their file."""
    return {path.stem: read_scenario(path) for path in sorted(FOLDER.glob("*.toml"))}


def _deteriorate(one: PatientChange) -> Deteriorate:
    try:
        targets = {vital_named(column).vital: value for column, value in one.to.items()}
    except KeyError as error:
        raise ScenarioError(f"{error} is no vital") from None
    recovers = None if one.recovers is None else _seconds(one.recovers)
    return Deteriorate(one.number, _seconds(one.begins), _seconds(one.over), targets, recovers, _seconds(one.recovers_over))


def _sensor(one: SensorFault) -> SensorOff | LinkDrop:
    lasts = None if one.lasts is None else _seconds(one.lasts)
    if one.fault == "off":
        return SensorOff(one.patient, one.kind, _seconds(one.begins), lasts)
    if lasts is None:
        raise ScenarioError("a sensor that is far has to come back: say for how long")
    return LinkDrop(one.patient, one.kind, _seconds(one.begins), lasts)


def _seconds(text: str) -> float:
    found = _DURATION.fullmatch(text)
    if found is None:
        raise ScenarioError(f"{text!r} is no time: write 30 s, 10 min, 2 h or 3 d")
    return float(found[1]) * _SECONDS[found[2]]
