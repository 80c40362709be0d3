"""Readings and configurations for the tests of this package."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from devices.decoded import samples_of
from devices.sample import Status
from devices.vitals import Vital
from devices.wire.batch import Kind
from devices.wire.event import Event
from devices.wire.pairing import Assigned, Config, PatientKey
from gateway.clock import GatewayClock, Stamp
from gateway.desk.configuration import Configuration
from gateway.outbox.reading import OutboxRow, Reading

BOOT = "a boot"
T0 = 1_760_000_000_000
SECRET = bytes(range(32))


class HandClock(GatewayClock):
    """A clock the test sets."""

    def __init__(self, wall: int = T0, *, sure: bool = True, boot: str = BOOT) -> None:
        self.boot, self.wall, self.mono, self.sure = boot, wall, 1000, sure

    def synchronised(self) -> bool:
        return self.sure

    def now(self) -> Stamp:
        return Stamp(self.wall, self.mono, self.boot, self.sure)

    def tick(self, ms: int = 1000) -> Stamp:
        self.wall, self.mono = self.wall + ms, self.mono + ms
        return self.now()


def pulse(value: float = 72.0, *, at: Stamp | int = T0, device: int = 7, patient: int = 1, **more: Any) -> Reading:
    arrived = Stamp(at, 1000, BOOT, True) if isinstance(at, int) else at
    samples = samples_of([(Vital.PULSE_RATE, value, Status.OK), (Vital.SPO2, 97.0, Status.OK)], arrived.wall)
    return Reading(device, patient, arrived, samples=samples, **more)


def event_reading(event: Event, *, at: Stamp | int = T0, device: int = 7, patient: int = 1) -> Reading:
    return Reading(device, patient, Stamp(at, 1000, BOOT, True) if isinstance(at, int) else at, event=event)


def times(rows: Iterable[OutboxRow]) -> list[int]:
    return [row.measured for row in rows if row.kind is Kind.SAMPLES]


def config(*devices: Assigned, kafka: str = "", topic: str = "", version: int = 1, **more: Any) -> Config:
    patients = sorted({device.patient for device in devices})
    keys = tuple(PatientKey(patient, 100 + patient, SECRET) for patient in patients)
    return Config(version, kafka, topic, keys, devices, **more)


def configured(folder: Path, wanted: Config) -> Configuration:
    found = Configuration(folder)
    found.accept(wanted)
    return found
