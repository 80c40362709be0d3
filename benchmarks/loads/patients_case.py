"""One load in an engine of its own process, second by second.

The rings are filled first, then seconds are measured across midnight: minute, hour and day turn there.  A second is what a
worker computes in it: ``Engine.advance`` of what was appended, with a clock record a partition, and the states that are due
(:mod:`streams.worker.snapshot_schedule`).
"""

from __future__ import annotations

import cProfile
import os
import pstats
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from alerts.rules.stages import stages
from benchmarks.loads.engine import Load, admission, rounds
from benchmarks.loads.spending import resident
from benchmarks.machine import turn_ns
from devices.sample import SAMPLE
from devices.wire.batch import HEADER, PARTITIONS, Kind
from devices.wire.sealing import TAG_BYTES
from streams.engine.engine import Engine
from streams.engine.round import Round
from streams.engine.snapshot.recall import Recall
from streams.worker.snapshot_schedule import RARELY, SnapshotSchedule

MIDNIGHT: Final = 1_790_035_200
SNAPSHOT_S: Final = 60
_ROOT: Final = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Spec(Load):
    """Seconds before those that are measured, and seconds to look into instead of measuring them."""

    fill: int = 340
    seconds: int = 120
    profile: Sequence[int] = ()


@dataclass(frozen=True)
class Seconds:
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
    engine, rng = Engine(stages()), np.random.default_rng(1)
    engine.expect(spec.partitions)
    for partition in range(spec.partitions):
        engine.take(partition, None, Recall())
    first = MIDNIGHT - spec.seconds // 2
    for some in admission(spec, first - spec.fill - 1):
        engine.advance(some)
    states = _States(engine, first)
    for second in range(first - spec.fill, first):
        states.second(second, rounds(spec, second, rng))
    turn, samples, profiles = turn_ns(), 0, {}
    took: list[tuple[int, int]] = []
    for second in range(first, first + spec.seconds):
        batch = rounds(spec, second, rng)
        samples += len(batch.samples)
        if second in spec.profile:
            profiles[second] = _profiled(states, second, batch)
        else:
            took.append(states.second(second, batch))
    turn = (turn + turn_ns()) / 2
    spent, snapshots = ([each[n] for each in took] for n in (0, 1))
    return Seconds(first, spent, snapshots, samples, turn, resident(os.getpid()), profiles)


class _States:
    """States as a worker saves them that has run for long: what is due the most seldom is spread over all that time."""

    def __init__(self, engine: Engine, first: int) -> None:
        self.engine, longest = engine, RARELY * SNAPSHOT_S
        held = np.flatnonzero(engine.layout.held).tolist()
        saved = np.linspace(first - longest, first, len(held), endpoint=False).tolist()
        self._schedules = {p: SnapshotSchedule(SNAPSHOT_S, at, sys.maxsize) for p, at in zip(held, saved, strict=True)}

    def second(self, second: int, batch: Round) -> tuple[int, int]:
        """ns of CPU that a second takes, and what of it goes into states."""
        before = time.process_time_ns()
        self.engine.advance(batch)
        between = time.process_time_ns()
        self._save(second, batch)
        after = time.process_time_ns()
        return after - before, after - between

    def _save(self, second: int, batch: Round) -> None:
        records = batch.records
        size = np.where(records["kind"] == Kind.CLOCK, HEADER.itemsize, HEADER.itemsize + TAG_BYTES)
        size += SAMPLE.itemsize * np.bincount(batch.record, minlength=len(records))
        grown = np.bincount(records["partition"], size, PARTITIONS)
        for partition, snapshots in self._schedules.items():
            snapshots.since += int(grown[partition])
            if snapshots.due(second):
                snapshots.size = len(self.engine.snapshot(partition))
                snapshots.begin(second)


def _profiled(states: _States, second: int, batch: Round) -> list[tuple[str, float]]:
    """Vigil's functions that took longest, with what they call: (place, ms)."""
    profile = cProfile.Profile()
    profile.runcall(states.second, second, batch)
    found = []
    for (file, _, name), (_, _, _, total, _) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        path = Path(file)
        if path.is_relative_to(_ROOT) and path.parts[len(_ROOT.parts)] in {"streams", "alerts"}:
            found.append((f"{path.relative_to(_ROOT).with_suffix('')}:{name}".replace("/", "."), 1000 * total))
    return sorted(found, key=lambda one: -one[1])[:60]
