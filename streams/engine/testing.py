"""Test rules and other stages in plain Python, one patient and one second at a time.

A test writes the log of a patient and reads which conditions the engine reports::

    from alerts.rules.stages import stages
    from devices.vitals import Vital
    from devices.wire.control import Level, Limit, RuleSet
    from streams.engine.testing import PatientLog

    log = PatientLog(stages())
    log.control(RuleSet(1, (Limit(Vital.SPO2, "low", Level(94, hold_s=10)),)))
    log.measure_each_second(Vital.SPO2, [97, 97] + [89] * 12)
    assert log.reported("spo2.low") == [(13, "spo2.low", "onset", "MEDIUM")]

Nothing here waits: the clock moves with the log, so an hour of a patient takes a second of a test.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from devices.sample import SAMPLE
from devices.vitals import Vital
from devices.wire.batch import ClockQuality, Kind, partition_of
from devices.wire.control import Consent, Control, Enrolled, Enrolment, RuleSet
from devices.wire.event import Event, Heartbeat
from streams.engine.condition import Condition
from streams.engine.engine import Engine
from streams.engine.round import RECORD, Round
from streams.engine.snapshot.recall import Recall
from streams.engine.stage import Stage
from streams.engine.writes import Writes

START: Final = 1_790_000_000
"""s since the epoch: the second in which a :class:`PatientLog` begins, 20 s into a minute."""
_FIELDS: Final = ("partition", "append", "kind", "clock", "count", "key", "patient", "device", "gateway", "first", "epoch")
Sample = tuple[int, float, int, int, int]
"""(measured ms, value in the vital's unit, vital, status, reading)."""


@dataclass(frozen=True)
class Record:
    """One record of the log.  ``append``: ms at which the broker appended it; ``silence``: minutes, of a clock record."""

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
    silence: int = 0


def clock_record(append: int, partition: int = 1, silence: int = 0) -> Record:
    """The record that moves the clock of a partition; ``silence``: minutes of a planned stop that it announces."""
    return Record(append, Kind.CLOCK, partition=partition, silence=silence)


def control_record(append: int, patient: int, control: Control, first: int, **more: int) -> Record:
    """A control record of the desk; ``first`` is its sequence, which grows from record to record."""
    return Record(append, Kind.CONTROL, patient, control=control, first=first, **more)  # type: ignore[arg-type]


def round_of(records: Sequence[Record]) -> Round:
    """The round of some records, each partition's together."""
    rows = np.zeros(len(records), RECORD)
    samples: list[Sample] = []
    record: list[int] = []
    events: list[tuple[int, Event]] = []
    controls: list[tuple[int, Control]] = []
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
class PatientLog:
    """The log of one patient with one device behind one gateway, and an engine that reads it.

    The patient has consented and the device is enrolled; ``interval_s``: how often it reports by itself, 0: only when it is
    used.  ``now``: the clock's second; ``written``: all that the engine wrote so far.
    """

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
        self.control(Consent(True, 0))
        self.control(Enrolment((Enrolled(self.device, self.gateway, 0, None, self.interval_s),), (self.gateway,)))

    @property
    def partition(self) -> int:
        return partition_of(self.patient)

    def append(self, *records: Record) -> Writes:
        """Append records to the patient's partition."""
        writes = self.engine.advance(round_of([replace(one, partition=self.partition) for one in records]))
        self.written.append(writes)
        return writes

    def control(self, control: Control, **more: int) -> Writes:
        """Append a control record: limits, facts, pauses, a rule set and so on."""
        self.sequence += 1
        patient = 0 if isinstance(control, RuleSet) else self.patient
        return self.append(control_record(self.now * 1000, patient, control, self.sequence, **more))

    def heartbeat(self) -> Writes:
        """Append a heartbeat of the gateway."""
        return self.event(Heartbeat(self.now * 1000), device=0)

    def event(self, event: Event, device: int | None = None) -> Writes:
        """Append an event of the device, or of another one."""
        source = self.device if device is None else device
        return self.append(Record(self.now * 1000, Kind.EVENT, self.patient, source, self.gateway, event=event))

    def measure(self, vital: Vital, *values: float, at: int | None = None, step: int = 1, status: int = 0) -> Writes:
        """Append one record of values measured from second ``at`` on, ``step`` s apart; by default the last one is measured
        now.
        """
        at = self.now - (len(values) - 1) * step if at is None else at
        samples = [((at + k * step) * 1000, value, int(vital), status, k) for k, value in enumerate(values)]
        data = Record(self.now * 1000 + 1, Kind.SAMPLES, self.patient, self.device, self.gateway, samples=tuple(samples))
        return self.append(data)

    def wait(self, seconds: int = 1) -> None:
        """Let the clock move on, with a clock record each second."""
        for _ in range(seconds):
            self.now += 1
            self.append(clock_record(self.now * 1000))

    def measure_each_second(self, vital: Vital, values: Iterable[float], status: int = 0) -> None:
        """Append a value a second, each measured when it is sent."""
        for value in values:
            self.measure(vital, value, status=status)
            self.wait()

    def conditions(self, rule: str | None = None) -> list[Condition]:
        """The conditions reported so far, of all rules or of one."""
        found = [one for writes in self.written for one in writes.conditions]
        return [one for one in found if rule is None or one.rule == rule]

    def reported(self, rule: str | None = None) -> list[tuple[int, str, str, str]]:
        """The conditions in short: (seconds since ``START``, rule, phase, priority)."""
        return [(one.second - START, one.rule, one.phase, one.priority.name) for one in self.conditions(rule)]
