"""Minutes: when they are written, which are named late, and that the store computes the same row from stored readings."""

from __future__ import annotations

import numpy as np

from devices.sample import SAMPLE
from devices.vitals import Vital
from streams.engine.series.rollup import DUE, recompute
from streams.engine.testing import START, PatientLog, clock_record
from streams.engine.writes import LATE
from tests.streams.engine.test_engine import make_logs, whole

IDENTITY = ("patient", "vital", "device", "partition", "minute")


def rollups(it: PatientLog) -> list[tuple[int, int, int]]:
    """(minute since START's, n, second since START) of all rollups so far."""
    rows = [row for writes in it.written for row in writes.rollups]
    return [(int(row["minute"]) - START // 60, int(row["n"]), int(row["second"]) - START) for row in rows]


def late(it: PatientLog) -> list[int]:
    return [int(row["minute"]) - START // 60 for writes in it.written for row in writes.late]


def test_a_minute_is_written_at_a_fixed_second_of_the_next() -> None:
    it = PatientLog()
    it.measure_each_second(Vital.HEART_RATE, [70] * 130)
    due = int(DUE[it.partition])
    assert rollups(it) == [(0, 40, 40 + due), (1, 60, 100 + due)]


def test_partitions_write_in_different_seconds() -> None:
    assert len(set(DUE.tolist())) == 32


def test_a_minute_that_changed_is_written_again() -> None:
    it = PatientLog()
    it.measure_each_second(Vital.HEART_RATE, [70] * 100)
    it.measure(Vital.HEART_RATE, 71, at=START - 25)
    it.wait(60)
    assert (-1, 1, 106) in rollups(it)
    it.measure(Vital.HEART_RATE, 71, at=START - 25)  # the same again
    it.wait(60)
    assert len([row for row in rollups(it) if row[0] == -1]) == 1


def test_a_minute_that_will_have_left_the_ring_in_part_is_named_late() -> None:
    it = PatientLog()
    it.wait(30)
    it.measure(Vital.HEART_RATE, 70, at=it.now - 299)
    it.measure(Vital.HEART_RATE, 70, at=it.now - 5000)
    it.wait(100)
    assert sorted(late(it)) == [(START + 30 - 5000) // 60 - START // 60, (START + 30 - 299) // 60 - START // 60]
    assert not rollups(it)


def test_the_minutes_of_episodic_vitals_are_named_and_left_to_the_store() -> None:
    it = PatientLog()
    it.measure(Vital.WEIGHT, 71.5)
    it.wait(120)
    assert late(it) == [0]
    assert not rollups(it)


def test_the_store_computes_the_same_row_from_stored_readings() -> None:
    compared = 0
    for seed in range(6):
        logs = make_logs(seed)
        for partition, log in logs.items():  # until everything has been written
            end = max(one.append for one in log)
            log += [clock_record(end + 1000 * k, partition) for k in range(200)]
        run = whole(logs)
        for partition, rows in run.stored.items():
            samples = np.array([(*row[:4], 0) for row in rows], SAMPLE)
            others = np.array([row[4:6] for row in rows], np.int64).reshape(-1, 2)
            written = [row for writes in run.written for row in writes.rollups if row["partition"] == partition]
            last = {tuple(int(row[name]) for name in IDENTITY): row for row in written}
            named = {tuple(int(row[name]) for name in IDENTITY) for writes in run.written for row in writes.late}
            asked = np.zeros(len(last), LATE)
            for at, row in enumerate(last.values()):
                for name in (*IDENTITY, "second"):
                    asked[at][name] = row[name]
            for row in recompute(asked, samples, others[:, 0], others[:, 1]):
                identity = tuple(int(row[field]) for field in IDENTITY)
                if identity not in named:  # a late one is written by the store, from the same readings
                    assert repr(row) == repr(last[identity])
                    compared += 1
    assert compared > 50


def test_recomputing_nothing_gives_nothing() -> None:
    none = np.empty(0, np.int64)
    assert len(recompute(np.empty(0, LATE), np.empty(0, SAMPLE), none, none)) == 0
