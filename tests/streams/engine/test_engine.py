"""The engine against its definition, and against itself under cuts, orders, duplicates, groupings and restarts."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from alerts.rules.stages import stages
from devices.sample import SAMPLE
from devices.wire.batch import Kind
from streams.engine.condition import Condition
from streams.engine.engine import Engine
from streams.engine.errors import NotTakenError
from streams.engine.snapshot.recall import Recall
from streams.engine.snapshot.snapshot import recalled, unpack
from streams.engine.stage import Moment, Stage, View
from streams.engine.testing import START, Record, clock_record, round_of
from streams.engine.windows.long_windows import DAY, HOUR
from streams.engine.windows.windows import Figures
from streams.engine.writes import Writes
from tests.streams.engine.oracle import Oracle
from tests.streams.engine.random_log import Maker
from tests.streams.engine.recall import recall_of


class Probe(Stage):
    """A stage that notes the figures of all windows."""

    def __init__(self) -> None:
        self.seen: dict[tuple[int, tuple[int, ...], int], list[tuple[float, ...]]] = {}

    def attach(self, view: View) -> None:
        super().attach(view)
        self.windows, self.long_windows = view.windows(), view.long_windows()

    def evaluate(self, moment: Moment) -> Sequence[Condition]:
        dense = self.view.layout.dense
        if moment.now % 13 == 0:
            for partition in moment.partitions.tolist():
                columns = dense.axis.of(partition)
                vital = dense.series.vital[columns]
                for window, length in enumerate((60, 300)):
                    self.note(moment.now, columns, length, self.windows.figures(vital, window, moment.now, columns))
                for length in (HOUR, DAY) if not moment.replaying else ():
                    self.note(moment.now, columns, length, self.long_windows.figures(length, partition))
        return ()

    def note(self, now: int, columns: slice, length: int, of: Figures) -> None:
        series, fields = self.view.layout.dense.series, ("n", "poor", "mean", "min", "max", "std", "slope")
        rows = np.array([getattr(of, x) for x in (*fields, "coverage")[: 8 if length >= HOUR else 7]], np.float64).T
        for column, row in zip(range(columns.start, columns.stop), rows.tolist(), strict=True):
            name = tuple(int(getattr(series, x)[column]) for x in ("patient", "vital", "device"))
            self.seen.setdefault((now, name, length), []).append(tuple(row))


class Run:
    """An engine, all it wrote, and the readings that a database would hold of it."""

    def __init__(self, partitions: Sequence[int], probe: Probe | None = None) -> None:
        self.probe = probe
        self.engine = self.fresh()
        for partition in partitions:
            self.engine.take(partition, None, Recall())
        self.written: list[Writes] = []
        self.stored: dict[int, list[tuple[Any, ...]]] = {p: [] for p in partitions}

    def fresh(self) -> Engine:
        return Engine([*stages(), *([self.probe] if self.probe else [])])

    def advance(self, records: Sequence[Record]) -> None:
        batch = round_of(records)
        writes = self.engine.advance(batch)
        self.written.append(writes)
        for at in np.flatnonzero(writes.accepted).tolist():
            record = batch.records[batch.record[at]]
            time, value, vital, _, _ = batch.samples[at].tolist()
            row = (time, value, vital, int(writes.status[at]), int(record["patient"]), int(record["device"]))
            self.stored[int(record["partition"])].append((*row, int(record["append"])))

    def restart(self, partition: int, elsewhere: Engine | None = None) -> None:
        """Snapshot, forget, and take again from stored readings."""
        state = unpack(self.engine.snapshot(partition), partition)
        since = recalled(state)
        target = elsewhere or self.engine
        if target is self.engine:
            self.engine.drop(partition)
        rows = [row for row in self.stored[partition] if row[0] >= since]
        samples = np.array([(*row[:4], 0) for row in rows], SAMPLE)
        others = np.array([row[4:] for row in rows], np.int64).reshape(-1, 3)
        target.take(partition, state, recall_of(samples, others[:, 0], others[:, 1]))

    def rows(self) -> dict[str, object]:
        latest: dict[tuple[int, ...], int] = {}
        for writes in self.written:
            for row in writes.latest.tolist():
                latest[row[:3]] = max(row[3], latest.get(row[:3], 0))
        conditions: dict[int, list[str]] = {}
        for writes in self.written:
            for one in writes.conditions:
                conditions.setdefault(one.partition, []).append(repr(one))
        return {
            "conditions": conditions,
            "rollups": sorted(repr(row) for w in self.written for row in w.rollups.tolist()),
            "late": sorted(row for w in self.written for row in w.late.tolist()),
            "stored": {p: sorted(repr(row[:6]) for row in rows) for p, rows in self.stored.items()},
            "latest": latest,
            "rejected": sorted((one.reading, one.reason) for w in self.written for one in w.rejected),
            "quarantined": sorted(reason for w in self.written for _, reason in w.quarantined),
            "events": sum(len(w.events) for w in self.written),
            "controls": sum(len(w.controls) for w in self.written),
        }


Logs = dict[int, list[Record]]


def make_logs(seed: int) -> Logs:
    rng = random.Random(seed)
    partitions = rng.sample(range(64), rng.choice((1, 1, 2, 3)))
    if seed % 8 == 7:
        maker = Maker(rng, partitions[0], 1)
        maker.stride = rng.choice((7, 10))
        return {partitions[0]: maker.make(rng.choice((150, 300)))}
    return {p: Maker(rng, p, rng.choice((1, 2))).make(rng.choice((20, 40, 40, 120))) for p in partitions}


def whole(logs: Logs) -> Run:
    run = Run(list(logs))
    run.advance([one for p in sorted(logs) for one in logs[p]])
    return run


def same(one: Run, other: Run) -> None:
    found, wanted = one.rows(), other.rows()
    for name in wanted:
        assert found[name] == wanted[name], name


def cut(rng: random.Random, logs: Logs, together: bool) -> list[list[Record]]:
    """Rounds that carry the logs on: cut anywhere, partitions together or one at a time, far apart or not."""
    at, rounds, step = dict.fromkeys(logs, 0), [], rng.choice((1, 5, 40, 200))
    while any(at[p] < len(logs[p]) for p in logs):
        waiting = [p for p in sorted(logs) if at[p] < len(logs[p])]
        chosen = waiting if together else rng.sample(waiting, rng.randint(1, len(waiting)))
        records = []
        for p in sorted(chosen):
            n = rng.randint(1, step)
            records += logs[p][at[p] : at[p] + n]
            at[p] += n
        rounds.append(records)
    return rounds


def comparable(rule: str) -> bool:
    """Not a trend: what ends one may leave it without a value."""
    return rule.rpartition(".")[2] in ("high", "low")


def check_against_oracle(logs: Logs) -> dict[str, int]:
    probe, counted = Probe(), {"conditions": 0, "rollups": 0, "late": 0, "late episodes": 0}
    for partition, log in logs.items():
        run, oracle = Run([partition], probe), Oracle(partition)
        run.advance(log)
        for one in log:
            oracle.record(one)
        found = [
            (
                one.second,
                one.rule,
                one.subject,
                one.source,
                one.phase,
                one.priority.name,
                None if one.phase == "end" and (one.rule == "news2" or not comparable(one.rule)) else one.value,
                None if one.rule == "news2" else one.measured,
            )
            for writes in run.written
            for one in writes.conditions
        ]
        wanted = [
            one if one[4] != "end" or comparable(str(one[1])) else (*one[:6], None, one[7]) for one in oracle.conditions
        ]
        assert sorted(map(repr, found)) == sorted(map(repr, wanted))
        rollups = [dict(zip(w.rollups.dtype.names or (), r, strict=True)) for w in run.written for r in w.rollups.tolist()]
        key = ("second", "patient", "vital", "device", "minute")
        rollups.sort(key=lambda row: [row[k] for k in key])
        oracle.rollups.sort(key=lambda row: [row[k] for k in key])
        assert len(rollups) == len(oracle.rollups)
        for got, want in zip(rollups, oracle.rollups, strict=True):
            for name, value in want.items():
                assert got[name] == pytest.approx(value, rel=1e-6, abs=1e-9, nan_ok=True), (name, got, want)
        assert sorted(r[:-1] for w in run.written for r in w.late.tolist()) == sorted(oracle.late)  # without the offset
        check_windows(probe, oracle)
        assert sum(len(rows) for rows in run.stored.values()) == oracle.stored
        assert run.rows()["latest"] == oracle.latest
        counted["conditions"] += len(found)
        for kind in ("drift_high", "drift_low", "rising", "falling", "gain", "loss"):
            counted[kind] = counted.get(kind, 0) + sum(str(one[1]).endswith(kind) for one in found)
        counted["rollups"] += len(rollups)
        counted["late"] += len(oracle.late)
        counted["late episodes"] += sum(one[5] == "LOW" for one in found)
    return counted


def check_windows(probe: Probe, oracle: Oracle) -> None:
    """Every figure of both windows; a second comes twice where the clock was set back."""
    for now, name, length, wanted in reversed(oracle.windows):
        found, empty = probe.seen.get((now, name, length), []), wanted[:2] == (0, 0)
        assert found or empty, "a second that had samples was skipped"
        if found and not (empty and found[-1][:2] != (0, 0)):  # passed over, a second time, with an empty ring
            assert found.pop() == pytest.approx(wanted, rel=1e-9, abs=1e-9, nan_ok=True), (now, name, length)


def check_against_itself(seed: int, logs: Logs) -> None:
    rng, wanted = random.Random(seed), whole(logs)
    for together in (True, False):
        run = Run(list(logs))
        for records in cut(rng, logs, together):
            run.advance(records)
        same(run, wanted)
    run = Run(list(logs))
    for records in cut(rng, logs, rng.random() < 0.5):
        run.advance(records)
        if rng.random() < 0.2:
            run.restart(rng.choice(list(logs)))
        if rng.random() < 0.05:  # all of them move to another process
            engine = run.fresh()
            for partition in logs:
                run.restart(partition, engine)
            run.engine = engine
    same(run, wanted)
    shuffled = {}
    for partition, log in logs.items():
        mixed = []
        for one in log:
            if one.kind == Kind.SAMPLES:
                samples = list(one.samples)
                rng.shuffle(samples)
                mixed.append(replace(one, samples=tuple(samples)))
            else:
                mixed.append(one)
        shuffled[partition] = mixed
    run = Run(list(logs))
    for records in cut(rng, shuffled, True):
        run.advance(records)
    same(run, wanted)


TRIALS = tuple(range(12))
EVERYTHING = 248
"""Everything happens in this trial (tests/streams/engine/test_exactness.py)."""
FOUND = (1004, 1656, 1851)
"""Failed in the thousand: a gap in the log, an episode reported that was accounted for while its sensor was off, a clock set
back into the second of a reading of two devices."""
MORE = [pytest.param(seed, marks=pytest.mark.full) for seed in range(12, 24)]


@pytest.mark.parametrize("seed", [*TRIALS, *MORE, *FOUND])
def test_equals_its_definition(seed: int) -> None:
    check_against_oracle(make_logs(seed))


@pytest.mark.parametrize("seed", [*TRIALS[:5], *[pytest.param(n, marks=pytest.mark.full) for n in TRIALS[5:]], *MORE])
def test_is_the_same_however_the_log_is_cut_grouped_shuffled_and_restarted(seed: int) -> None:
    check_against_itself(seed, make_logs(seed))


def test_records_of_a_partition_that_is_not_held_are_an_error_before_anything_changes() -> None:
    engine = Engine()
    engine.take(1, None, Recall())
    with pytest.raises(NotTakenError):
        engine.advance(round_of([clock_record(START * 1000, 1), clock_record(START * 1000, 2)]))
    assert engine.timeline.clock[1] == -1


@pytest.mark.full
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("block", range(20))
def test_holds_in_many_trials(block: int) -> None:
    for seed in range(1000 + block * 50, 1050 + block * 50):
        logs = make_logs(seed)
        check_against_oracle(logs)
        check_against_itself(seed, logs)
