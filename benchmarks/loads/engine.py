"""Loads for the engine alone, and the CPU that a sample costs in it.

Four continuous vitals a reading, one reading a record (``batch``: 60), a clock record a second and partition, a heartbeat of
each home every 30 s.  Values lie within the default limits, a tenth of them up to a quarter away; readings arrive 1 to 2 s
after they were measured.  With the rules of :func:`alerts.rules.stages.stages`, and (``bare``) without.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from alerts.rules.defaults import default_rule_set
from alerts.rules.stages import stages
from devices.sample import SAMPLE
from devices.vitals import Vital
from devices.wire.batch import PARTITIONS, Kind
from devices.wire.control import Consent, Control, Enrolled, Enrolment, Facts
from devices.wire.event import Event, Heartbeat
from streams.engine.engine import Engine
from streams.engine.round import RECORD, Round
from streams.engine.snapshot.recall import Recall
from streams.engine.stage import Stage

ADMITTED: Final = 5000
"""Patients a round, as a worker takes records."""
START = 1_790_000_000
VITALS: Final = np.array([Vital.HEART_RATE, Vital.PULSE_RATE, Vital.SPO2, Vital.RESPIRATORY_RATE], np.uint8)
LEVEL = np.array([80, 80, 97, 16], np.float32)


@dataclass(frozen=True)
class Load:
    """Readings of all patients, a record each ``every`` s or of ``batch`` at once, in rounds of ``width`` s, each round cut
    into one a partition where they come ``apart``; ``bare``: without rules.
    """

    patients: int
    partitions: int
    every: int = 1
    batch: int = 1
    width: int = 1
    apart: bool = False
    bare: bool = False
    seconds: int = 60


def fresh_engine(partitions: Iterable[int] = range(PARTITIONS), rules: Sequence[Stage] | None = None) -> Engine:
    """An engine that owns ``partitions`` and knows nothing of them, by default with all rules."""
    engine = Engine(stages() if rules is None else rules)
    for partition in partitions:
        engine.take(partition, None, Recall())
    return engine


def patients_of(load: Load) -> np.ndarray:
    """Patient numbers by partition."""
    per = load.patients // load.partitions
    return (np.arange(load.partitions)[:, None] + 64 * (1 + np.arange(per))).reshape(-1)


def admission(load: Load, at: int) -> Iterator[Round]:
    """Rule sets, then consent, enrolment and facts of everybody, appended ``at`` (s)."""
    yield control_round([(partition, 0, 1000 * at, default_rule_set()) for partition in range(load.partitions)], 0)
    people, count = patients_of(load), load.partitions
    for start in range(0, len(people), ADMITTED):
        controls: list[tuple[int, int, int, Control]] = []
        for patient in people[start : start + ADMITTED].tolist():
            device = Enrolled(patient, patient, 0, None, max(load.every, load.batch))
            each = Consent(True, 0), Enrolment((device,), (patient,)), Facts(1, False, "A", "1950-01-01")
            controls += [(patient % 64, patient, 1000 * at, control) for control in each]
        yield control_round(controls, count)
        count += len(controls)


def control_round(controls: list[tuple[int, int, int, Control]], count: int) -> Round:
    """A round of controls (partition, patient, append time in ms, control), of which ``count`` were sent before."""
    controls.sort(key=lambda each: each[0])
    records = np.zeros(len(controls), RECORD)
    for n, name in enumerate(("partition", "patient", "append")):
        records[name] = [each[n] for each in controls]
    records["kind"], records["first"] = Kind.CONTROL, count + np.arange(len(controls)) + 1
    return Round(records, controls=[(position, each[3]) for position, each in enumerate(controls)])


def rounds(load: Load, first: int, rng: np.random.Generator) -> Round:
    """The records appended in the ``width`` seconds from ``first`` on."""
    people, parts = patients_of(load), []
    for second in range(first, first + load.width):
        step = load.batch if load.batch > 1 else load.every
        who = people[second % step :: step]
        alive = people[second % 30 :: 30]
        appended: tuple[tuple[Kind, np.ndarray, int], ...] = (
            (Kind.CLOCK, np.arange(load.partitions), 0),
            (Kind.EVENT, alive, 100),
            (Kind.SAMPLES, who, 500),
        )
        for kind, patient, ms in appended:
            rows = np.zeros(len(patient), RECORD)
            rows["partition"], rows["append"], rows["kind"] = patient % 64, second * 1000 + ms, kind
            if kind != Kind.CLOCK:
                rows["patient"] = rows["gateway"] = patient
                rows["device"] = patient if kind == Kind.SAMPLES else 0
            rows["count"] = load.batch
            parts.append(rows)
    records = np.concatenate(parts)
    records = records[np.argsort(records["partition"].astype(np.int64) << 44 | records["append"], kind="stable")]
    at = np.flatnonzero(records["kind"] == Kind.SAMPLES)
    each = load.batch * len(VITALS)
    samples = np.zeros(len(at) * each, SAMPLE)
    reading = np.tile(np.repeat(np.arange(load.batch), len(VITALS)), len(at))
    samples["time"] = np.repeat(records["append"][at] - 1500, each) - 1000 * (load.batch - 1 - reading)
    samples["time"] += np.repeat(records["patient"][at] % 400, each)
    samples["vital"], samples["reading"] = np.tile(VITALS, len(at) * load.batch), reading
    wild = 1 + (rng.random(len(samples)) < 0.1) * rng.uniform(-0.25, 0.25, len(samples))
    samples["value"] = np.minimum(np.tile(LEVEL, len(at) * load.batch) * wild, 300)
    beats = np.flatnonzero(records["kind"] == Kind.EVENT).tolist()
    events: list[tuple[int, Event]] = [(k, Heartbeat(int(records["append"][k]))) for k in beats]
    return Round(records, samples, np.repeat(at, each).astype(np.int32), events)


def split(batch: Round, partitions: int) -> list[Round]:
    """The round split into one for each partition."""
    out = []
    for partition in range(partitions):
        low, high = np.searchsorted(batch.records["partition"], (partition, partition + 1))
        mine = (batch.record >= low) & (batch.record < high)
        events = [(at - low, event) for at, event in batch.events if low <= at < high]
        out.append(Round(batch.records[low:high], batch.samples[mine], batch.record[mine] - np.int32(low), events))
    return out


def measure(load: Load) -> tuple[float, float]:
    """(ns a sample, worst second in ms) once everything is filled."""
    rng, engine = np.random.default_rng(1), fresh_engine(range(load.partitions), [] if load.bare else None)
    for some in admission(load, START):
        engine.advance(some)
    first, spent, count, worst = START + 1, 0, 0, 0.0
    while first < START + 330:
        engine.advance(rounds(load, first, rng))
        first += load.width
    for second in range(first, first + load.seconds, load.width):
        batch = rounds(load, second, rng)
        pieces = split(batch, load.partitions) if load.apart else [batch]
        begin = time.process_time_ns()
        for piece in pieces:
            engine.advance(piece)
        took = time.process_time_ns() - begin
        spent, count, worst = spent + took, count + len(batch.samples), max(worst, took / load.width)
    return spent / count, worst / 1e6
