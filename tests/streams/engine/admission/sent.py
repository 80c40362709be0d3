"""Records of one home, and the reasons against them."""

from __future__ import annotations

from devices.vitals import Vital
from devices.wire.batch import ClockQuality, Kind
from streams.engine.testing import START, Record, Sample
from streams.engine.writes import Writes

NOW = START * 1000
GOOD: Sample = (NOW, 97.0, Vital.SPO2, 0, 0)


def sent(
    *samples: Sample,
    patient: int = 1,
    device: int = 7,
    gateway: int = 3,
    append: int = NOW,
    clock: int = ClockQuality.SURE,
    key: int = 0,
) -> Record:
    return Record(append, Kind.SAMPLES, patient, device, gateway, samples=samples or (GOOD,), clock=clock, key=key)


def reasons(writes: Writes) -> list[tuple[int, str]]:
    return [(one.reading, one.reason) for one in writes.rejected]
