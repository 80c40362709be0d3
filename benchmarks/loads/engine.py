"""Loads for the engine alone, and the CPU that a sample costs in it.

Four continuous vitals a reading, one reading a record (``batch``: 60), a clock record a second and partition, a heartbeat of
each home every 30 s.  Values lie within the default limits, a tenth of them up to a quarter away; readings arrive 1 to 2 s
after they were measured.  With the rules of :func:`alerts.rules.stages.stages`, and (``bare``) without.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # two spinning BLAS threads made rollups seven times dearer

import numpy as np

from alerts.rules.defaults import default_rule_set
from alerts.rules.stages import stages
from devices.sample import SAMPLE
from devices.vitals import Vital
from devices.wire.batch import Kind
from devices.wire.control import Consent, Control, Enrolled, Enrolment, Facts
from devices.wire.event import Event, Heartbeat
from streams.engine.engine import Engine
from streams.engine.round import RECORD, Round
from streams.engine.snapshot.recall import Recall

ADMITTED: Final = 5000
"""Patients a round, as a worker takes records."""
START = 1_790_000_000
VITALS: Final = np.array([Vital.HEART_RATE, Vital.PULSE_RATE, Vital.SPO2, Vital.RESPIRATORY_RATE], np.uint8)
LEVEL = np.array([80, 80, 97, 16], np.float32)


@dataclass(frozen=True)
class Row:
    patients: int
    partitions: int
    every: int = 1
    batch: int = 1
    width: int = 1
    apart: bool = False
    bare: bool = False
    seconds: int = 60


ROWS = {
    "1k x 1 Hz, 1 partition": Row(1024, 1),
    "1k x 1 Hz, 64": Row(1024, 64),
    "1k x 1 Hz, 64, bare": Row(1024, 64, bare=True),
    "1k x 1 Hz, 64, one round each": Row(1024, 64, apart=True, seconds=10),
    "1k x 1 Hz in batches of 60, 64": Row(1024, 64, batch=60),
    "1k x 1 Hz, 64, backlog 60 s": Row(1024, 64, width=60),
    "10k / 10 s, 1": Row(10_240, 1, every=10),
    "10k / 10 s, 64": Row(10_240, 64, every=10),
}


def patients_of(row: Row) -> np.ndarray:
    """Patient numbers by partition."""
    per = row.patients // row.partitions
    return (np.arange(row.partitions)[:, None] + 64 * (1 + np.arange(per))).reshape(-1)


def admission(row: Row, at: int) -> Iterator[Round]:
    """Rule sets, then consent, enrolment and facts of everybody, appended ``at`` (s)."""
    yield control_round([(partition, 0, 1000 * at, default_rule_set()) for partition in range(row.partitions)], 0)
    people, count = patients_of(row), row.partitions
    for start in range(0, len(people), ADMITTED):
        controls: list[tuple[int, int, int, Control]] = []
        for patient in people[start : start + ADMITTED].tolist():
            device = Enrolled(patient, patient, 0, None, max(row.every, row.batch))
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


def rounds(row: Row, first: int, rng: np.random.Generator) -> Round:
    """The records appended in the ``width`` seconds from ``first`` on."""
    people, parts = patients_of(row), []
    for second in range(first, first + row.width):
        step = row.batch if row.batch > 1 else row.every
        who = people[second % step :: step]
        alive = people[second % 30 :: 30]
        appended: tuple[tuple[Kind, np.ndarray, int], ...] = (
            (Kind.CLOCK, np.arange(row.partitions), 0),
            (Kind.EVENT, alive, 100),
            (Kind.SAMPLES, who, 500),
        )
        for kind, patient, ms in appended:
            rows = np.zeros(len(patient), RECORD)
            rows["partition"], rows["append"], rows["kind"] = patient % 64, second * 1000 + ms, kind
            if kind != Kind.CLOCK:
                rows["patient"] = rows["gateway"] = patient
                rows["device"] = patient if kind == Kind.SAMPLES else 0
            rows["count"] = row.batch
            parts.append(rows)
    records = np.concatenate(parts)
    records = records[np.argsort(records["partition"].astype(np.int64) << 44 | records["append"], kind="stable")]
    at = np.flatnonzero(records["kind"] == Kind.SAMPLES)
    each = row.batch * len(VITALS)
    samples = np.zeros(len(at) * each, SAMPLE)
    reading = np.tile(np.repeat(np.arange(row.batch), len(VITALS)), len(at))
    samples["time"] = np.repeat(records["append"][at] - 1500, each) - 1000 * (row.batch - 1 - reading)
    samples["time"] += np.repeat(records["patient"][at] % 400, each)
    samples["vital"], samples["reading"] = np.tile(VITALS, len(at) * row.batch), reading
    wild = 1 + (rng.random(len(samples)) < 0.1) * rng.uniform(-0.25, 0.25, len(samples))
    samples["value"] = np.minimum(np.tile(LEVEL, len(at) * row.batch) * wild, 300)
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


def measure(row: Row) -> tuple[float, float, float, int]:
    """(ns a sample, samples a second, worst second ms, snapshot bytes a partition) once everything is filled."""
    rng = np.random.default_rng(1)
    engine = Engine([] if row.bare else stages())
    for partition in range(row.partitions):
        engine.take(partition, None, Recall())
    for some in admission(row, START):
        engine.advance(some)
    first = START + 1
    while first < START + 330:
        engine.advance(rounds(row, first, rng))
        first += row.width
    spent, count, worst, end = 0, 0, 0.0, first + row.seconds
    while first < end:
        batch = rounds(row, first, rng)
        pieces = split(batch, row.partitions) if row.apart else [batch]
        begin = time.process_time_ns()
        for piece in pieces:
            engine.advance(piece)
        took = time.process_time_ns() - begin
        spent, count, worst = spent + took, count + len(batch.samples), max(worst, took / row.width)
        first += row.width
    return spent / count, count / row.seconds, worst / 1e6, len(engine.snapshot(0))
