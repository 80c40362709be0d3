"""One load in an engine of its own process, second by second: ``python -m benchmarks.loads.patients_case SPEC``, SPEC as
JSON.

The rings are filled first, then seconds are measured across midnight: minute, hour and day turn there.  A second is what a
worker computes in it: ``Engine.advance`` of what was appended, with a clock record a partition, and the states that are due
(:mod:`streams.worker.snapshot_schedule`).  The last line of the output is what was found, as JSON.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy

import cProfile
import pstats
import sys
import time
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from alerts.rules.stages import stages
from benchmarks.loads.engine import Row, admission, rounds
from benchmarks.loads.spending import resident
from benchmarks.machine import turn_ns
from devices.sample import SAMPLE
from devices.wire.batch import HEADER, PARTITIONS, Kind
from devices.wire.sealing import TAG_BYTES
from streams.engine.engine import Engine
from streams.engine.round import Round
from streams.engine.snapshot.recall import Recall
from streams.worker.allocator import keep_memory
from streams.worker.snapshot_schedule import RARELY, SnapshotSchedule

MIDNIGHT: Final = 1_790_035_200
SNAPSHOT_S: Final = 60
_ROOT: Final = Path(__file__).resolve().parents[2]


class Spec(msgspec.Struct, frozen=True):
    """``every``: seconds between two readings of a patient; ``profile``: look into these seconds instead of measuring."""

    patients: int
    partitions: int
    every: int
    fill: int = 340
    seconds: int = 120
    profile: list[int] = []


class Seconds(msgspec.Struct, frozen=True):
    """ns of CPU of each measured second, ``first`` the first of them (epoch s), and what of it went into states; turn: ns of
    the fixed loop meanwhile.
    """

    first: int
    spent: list[int]
    snapshots: list[int]
    samples: int
    turn: float
    end_bytes: int
    profiles: dict[int, list[tuple[str, float]]]


def run(spec: Spec) -> Seconds:
    row = Row(spec.patients, spec.partitions, every=spec.every)
    engine, rng = Engine(stages()), np.random.default_rng(1)
    engine.expect(spec.partitions)
    for partition in range(spec.partitions):
        engine.take(partition, None, Recall())
    first = MIDNIGHT - spec.seconds // 2
    for some in admission(row, first - spec.fill - 1):
        engine.advance(some)
    states = _States(engine, first)
    for second in range(first - spec.fill, first):
        _second(states, second, rounds(row, second, rng))
    turn, spent, snapshots, samples, profiles = turn_ns(), [], [], 0, {}
    for second in range(first, first + spec.seconds):
        batch = rounds(row, second, rng)
        samples += len(batch.samples)
        if second in spec.profile:
            profiles[second] = _profiled(states, second, batch)
            continue
        before = time.process_time_ns()
        engine.advance(batch)
        between = time.process_time_ns()
        states.save(second, batch)
        after = time.process_time_ns()
        spent.append(after - before)
        snapshots.append(after - between)
    turn = (turn + turn_ns()) / 2
    return Seconds(first, spent, snapshots, samples, turn, resident(os.getpid()), profiles)


class _States:
    """States as a worker saves them that has run for long: what is due the most seldom is spread over all that time."""

    def __init__(self, engine: Engine, first: int) -> None:
        self.engine, longest = engine, RARELY * SNAPSHOT_S
        held = np.flatnonzero(engine.layout.held).tolist()
        saved = np.linspace(first - longest, first, len(held), endpoint=False).tolist()
        self._schedules = {p: SnapshotSchedule(SNAPSHOT_S, at, sys.maxsize) for p, at in zip(held, saved, strict=True)}

    def save(self, second: int, batch: Round) -> None:
        records = batch.records
        size = np.where(records["kind"] == Kind.CLOCK, HEADER.itemsize, HEADER.itemsize + TAG_BYTES)
        size += SAMPLE.itemsize * np.bincount(batch.record, minlength=len(records))
        grown = np.bincount(records["partition"], size, PARTITIONS)
        for partition, snapshots in self._schedules.items():
            snapshots.since += int(grown[partition])
            if snapshots.due(second):
                snapshots.size = len(self.engine.snapshot(partition))
                snapshots.begin(second)


def _second(states: _States, second: int, batch: Round) -> None:
    states.engine.advance(batch)
    states.save(second, batch)


def _profiled(states: _States, second: int, batch: Round) -> list[tuple[str, float]]:
    """Vigil's functions that took longest, with what they call: (place, ms)."""
    profile = cProfile.Profile()
    profile.runcall(_second, states, second, batch)
    found = []
    for (file, _, name), (_, _, _, total, _) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        path = Path(file)
        if path.is_relative_to(_ROOT) and path.parts[len(_ROOT.parts)] in {"streams", "alerts"}:
            found.append((f"{path.relative_to(_ROOT).with_suffix('')}:{name}".replace("/", "."), 1000 * total))
    return sorted(found, key=lambda one: -one[1])[:60]


def main() -> None:
    keep_memory()  # as the worker does
    found = run(msgspec.json.decode(sys.argv[1], type=Spec))
    sys.stdout.buffer.write(msgspec.json.encode(found) + b"\n")


if __name__ == "__main__":
    main()
