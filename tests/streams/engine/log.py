"""A log in plain Python: records as tests write them, and the rounds the engine takes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from devices.sample import SAMPLE, Samples
from devices.vitals import Vital
from devices.wire.batch import ClockQuality, Kind
from devices.wire.control import Consent, Control, Enrolled, Enrolment, RuleSet
from devices.wire.event import Event, Heartbeat
from streams.engine.columns.arrays import Ints
from streams.engine.engine import Engine
from streams.engine.round import RECORD, Round
from streams.engine.series.series import CONTINUOUS
from streams.engine.snapshot.recall import Recall, Values
from streams.engine.stage import Stage
from streams.engine.writes import Writes

START = 1_790_000_000
"""s: where the logs of the tests begin; 20 s into a minute."""
_FIELDS = ("partition", "append", "kind", "clock", "count", "key", "patient", "device", "gateway", "first", "epoch")
Sample = tuple[int, float, int, int, int]
"""(time ms, value, vital, status, reading)."""


@dataclass(frozen=True)
class Rec:
    """One record; ``append`` in ms."""

    append: int
    kind: int
    patient: int = 0
    device: int = 0
    gateway: int = 0
    partition: int = 1
    samples: tuple[Sample, ...] = ()
    event: Event | None = None
    control: Control | None = None
    clock: int = ClockQuality.SURE
    count: int = 1000
    key: int = 0
    first: int = 0
    epoch: int = 0
    silence: int = 0  # minutes, of a clock record


def tick(append: int, partition: int = 1, silence: int = 0) -> Rec:
    return Rec(append, Kind.CLOCK, partition=partition, silence=silence)


def said(append: int, patient: int, control: Control, first: int, **more: int) -> Rec:
    return Rec(append, Kind.CONTROL, patient, control=control, first=first, **more)


def recall_of(samples: Samples, patient: Ints, device: Ints) -> Recall:
    """What the store would bring back of stored samples, SAMPLE [k], of int64 [k] patients and devices."""
    vitals = [int(vital) for vital in np.unique(samples["vital"]) if CONTINUOUS[vital]]
    rows = {vital: np.flatnonzero(samples["vital"] == vital) for vital in vitals}
    return Recall(patient, device, samples["time"].copy(), {
        vital: Values(row, samples["value"][row], samples["status"][row]) for vital, row in rows.items()
    })  # fmt: skip


def samples_of(recall: Recall) -> list[tuple[float, ...]]:
    """The reverse: (vital, patient, device, time, status, value), sorted; NaN as -1."""
    found: list[tuple[float, ...]] = []
    for vital, of in recall.values.items():
        names = (column[of.row].tolist() for column in (recall.patient, recall.device, recall.time))
        rows = zip(*names, of.status.tolist(), np.nan_to_num(of.value, nan=-1.0).tolist(), strict=True)
        found += [(vital, *row) for row in rows]
    return sorted(found)


def round_of(records: Sequence[Rec]) -> Round:
    """The round of some records, each partition's together."""
    rows = np.zeros(len(records), RECORD)
    samples: list[Sample] = []
    record: list[int] = []
    events, controls = [], []
    for at, one in enumerate(records):
        for name in _FIELDS:
            rows[at][name] = getattr(one, name)
        if one.kind == Kind.CLOCK:
            rows[at]["count"] = one.silence
        samples += one.samples
        record += [at] * len(one.samples)
        if one.event is not None:
            events.append((at, one.event))
        if one.control is not None:
            controls.append((at, one.control))
    return Round(rows, np.array(samples, SAMPLE), np.array(record, np.int32), events, controls)


@dataclass
class Home:
    """One patient with one device behind one gateway, second by second: how most tests of rules speak."""

    stages: Sequence[Stage] = ()
    patient: int = 1
    device: int = 7
    gateway: int = 3
    interval_s: int = 0
    now: int = START
    engine: Engine = field(init=False)
    written: list[Writes] = field(default_factory=list)
    sequence: int = 0

    def __post_init__(self) -> None:
        self.engine = Engine(self.stages)
        self.engine.take(self.partition, None, Recall())
        self.tell(Consent(True, 0))
        self.tell(Enrolment((Enrolled(self.device, self.gateway, 0, None, self.interval_s),), (self.gateway,)))

    @property
    def partition(self) -> int:
        return self.patient % 64

    def put(self, *records: Rec) -> Writes:
        moved = [replace(one, partition=self.partition) for one in records]
        writes = self.engine.advance(round_of(moved))
        self.written.append(writes)
        return writes

    def tell(self, control: Control, **more: int) -> Writes:
        """A control record, now."""
        self.sequence += 1
        patient = 0 if isinstance(control, RuleSet) else self.patient
        return self.put(said(self.now * 1000, patient, control, self.sequence, **more))

    def beat(self) -> Writes:
        """A heartbeat of the gateway, now."""
        return self.event(Heartbeat(self.now * 1000), device=0)

    def event(self, event: Event, device: int | None = None) -> Writes:
        who = self.device if device is None else device
        return self.put(Rec(self.now * 1000, Kind.EVENT, self.patient, who, self.gateway, event=event))

    def measure(self, vital: Vital, *values: float, at: int | None = None, step: int = 1, status: int = 0) -> Writes:
        """One record, now, of values measured from second ``at`` (default: the last was measured now) ``step`` s apart."""
        at = self.now - (len(values) - 1) * step if at is None else at
        samples = [((at + k * step) * 1000, value, int(vital), status, k) for k, value in enumerate(values)]
        return self.put(
            Rec(self.now * 1000 + 1, Kind.SAMPLES, self.patient, self.device, self.gateway, samples=tuple(samples))
        )

    def wait(self, seconds: int = 1) -> None:
        """The clock moves on, with its records."""
        for _ in range(seconds):
            self.now += 1
            self.put(tick(self.now * 1000))

    def live(self, vital: Vital, values: Iterable[float], status: int = 0) -> None:
        """A value a second, each measured when it is sent."""
        for value in values:
            self.measure(vital, value, status=status)
            self.wait()

    def told(self, rule: str | None = None) -> list[tuple[int, str, str, str]]:
        """(second since START, rule, phase, priority) of all conditions so far."""
        return [
            (one.second - START, one.rule, one.phase, one.priority.name)
            for writes in self.written
            for one in writes.conditions
            if rule is None or one.rule == rule
        ]
