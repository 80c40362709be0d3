from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import psycopg
import pytest

from devices.sample import SAMPLE, Status
from devices.vitals import VITALS, Vital
from devices.wire.batch import ClockQuality, Kind
from streams.engine.round import Rejection
from streams.store.conditions import fold_nothing
from streams.store.copying import Columns
from streams.store.readings import Readings, stage_readings
from streams.store.store import store_round
from tests.alerts.conftest import Db
from tests.streams.engine.opening.test_opening import T
from tests.streams.producing import Record, World, stored_values
from tests.streams.store.storing import TOPIC, TOPIC_ID, rows, store, take, to_store

HR, SPO2, TEMPERATURE = Vital.HEART_RATE, Vital.SPO2, Vital.TEMPERATURE


def test_what_was_sent_is_stored_value_by_value(db: Db, database: str, world: World) -> None:
    held = take(db, 1, 2)
    every = {vital: float(np.float32(spec.plausible[0] + 0.1)) for vital, spec in VITALS.items()}
    sent = {
        1: [(T, {HR: 61.0, SPO2: 97.0}), (T + 1000, {HR: 62.5})],
        2: [(T + 7, every), (T + 9, {TEMPERATURE: float(np.float32(36.6))})],
        65: [(T, {HR: 80.0})],
    }
    done = store(db, to_store(world, [world.batch(p, r) for p, r in sent.items()], held))
    assert done.readings == 5
    assert not done.lost
    for patient, readings in sent.items():
        stored = [
            (t, {k: float(np.float32(v)) for k, v in values.items()}) for t, values in stored_values(database, patient)
        ]
        assert stored == [(t, {VITALS[v].column: x for v, x in values.items()}) for t, values in readings]
    assert rows(db, "SELECT patient, device, epoch, sequence, at_offset FROM reading ORDER BY patient, time") == [
        (1, 1001, 1234, 0, 0), (1, 1001, 1234, 1, 0), (2, 1002, 1234, 0, 0), (2, 1002, 1234, 1, 0), (65, 1065, 1234, 0, 1),
    ]  # fmt: skip
    assert rows(db, "SELECT partition, next_offset, epoch, last_crc FROM ledger ORDER BY 1") == [(1, 2, 1, 1), (2, 1, 1, 1)]


def test_a_status_is_stored_beside_its_value_and_nan_as_null(db: Db, world: World) -> None:
    held = take(db, 1)
    samples = [(T, np.nan, HR, Status.NAN, 0), (T, 97, SPO2, Status.POOR_CONTACT, 0), (T + 1, 60, HR, 0, 1)]
    record = world.record(Kind.SAMPLES, np.array(samples, SAMPLE).tobytes(), patient=1, device=1001, gateway=101, count=2)
    todo = to_store(world, [record], held)
    store(db, todo)
    assert rows(db, "SELECT heart_rate, heart_rate_status, spo2, spo2_status FROM reading ORDER BY time") == [
        (None, 5, 97.0, 2),
        (60.0, None, None, None),
    ]


def test_a_copy_is_stored_once_and_one_that_differs_is_rejected(db: Db, world: World) -> None:
    held = take(db, 1)
    reading = [(T, {HR: 61.0, SPO2: 97.0}), (T + 1000, {HR: 62.0})]
    first, same = world.batch(1, reading, first=0), world.batch(1, reading, first=0)
    other = world.batch(1, [(T, {HR: 61.0, SPO2: 97.0}), (T + 1000, {HR: 63.0})], first=0)
    assert store(db, to_store(world, [first, same], held)).readings == 2
    later = store(db, to_store(world, [same, other], held, first=2))
    assert (later.readings, later.differing) == (0, 1)
    assert rows(db, "SELECT heart_rate FROM reading ORDER BY time") == [(61.0,), (62.0,)]
    assert rows(db, "SELECT partition, at_offset, reading, reason, record FROM rejected") == [
        (1, 3, 1, "differs from the first copy", None)
    ]


def random_rounds(world: World, rng: np.random.Generator) -> Iterator[list[Record]]:
    """Rounds of patients 1, 2 and 65 in which new readings, copies, and copies that differ come in any mixture."""
    known = {1: 0, 2: 0, 65: 0}

    def readings(patient: int, first: int, n: int, base: int) -> Record:
        some: list[dict[Vital, float]] = [{HR: base + k} | ({SPO2: 97.0} if k % 2 else {}) for k in range(first, first + n)]
        return world.batch(patient, [(T + 1000 * (first + k), one) for k, one in enumerate(some)], first=first)

    for _ in range(8):
        records = []
        for _ in range(rng.integers(1, 4)):
            patient, n = int(rng.choice([1, 2, 65])), int(rng.integers(1, 4))
            kind = rng.choice(["new", "copy", "differs", "overlaps"], p=[0.6, 0.15, 0.15, 0.1])
            if kind == "new" or not known[patient]:
                records.append(readings(patient, known[patient], n, 60))
                known[patient] += n
            else:
                first = int(rng.integers(known[patient]))
                records.append(readings(patient, first, n, 61 if kind == "differs" else 60))
                known[patient] = max(known[patient], first + n)
        yield records


STORED = (
    "SELECT r.* FROM reading r ORDER BY patient, time, device, epoch, sequence",
    "SELECT partition, at_offset, reading, reason FROM rejected ORDER BY 1, 2, 3",
    "SELECT partition, next_offset FROM ledger ORDER BY 1",
)


@pytest.mark.parametrize("seed", range(6))
def test_straight_or_staged_the_same_is_stored_and_rejected(db: Db, world: World, seed: int) -> None:
    rounds = list(random_rounds(world, np.random.default_rng(seed)))
    found = []
    for way in (Readings(staged_s=0), Readings(), Readings(straight_from=float("inf"))):
        db.execute("TRUNCATE reading, rejected, ledger")
        held, counts = take(db, 1, 2), []
        for number, records in enumerate(rounds):
            todo = to_store(world, records, held, first=100 * number)
            db.execute("UPDATE ledger SET next_offset = %s", [100 * number])
            todo = replace(todo, moves=[replace(one, next=100 * (number + 1)) for one in todo.moves])
            done = store_round(db, TOPIC, TOPIC_ID, todo, fold_nothing, way)
            counts.append((done.readings, done.differing))
        found.append((counts, [rows(db, query) for query in STORED]))
    assert found[0] == found[1] == found[2]
    assert any(differing for _, differing in found[0][0]) or seed


def test_new_readings_go_straight_and_after_a_copy_they_are_staged_for_a_while(
    db: Db, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, way = take(db, 1), Readings(staged_s=0.5)
    staged: list[Columns] = []

    def stage(tx: psycopg.Connection, of: Columns) -> None:
        stage_readings(tx, of)
        staged.append(of)

    monkeypatch.setattr("streams.store.readings.stage_readings", stage)

    def send(offset: int, first: int) -> int:
        todo = to_store(world, [world.batch(1, [(T + 1000 * first, {HR: 61.0})], first=first)], held, first=offset)
        return store_round(db, TOPIC, TOPIC_ID, todo, fold_nothing, way).readings

    assert (send(0, 0), len(staged)) == (1, 0)
    assert (send(1, 0), len(staged)) == (0, 1)  # a copy
    assert (send(2, 1), len(staged)) == (1, 2)
    time.sleep(0.5)
    assert (send(3, 2), len(staged)) == (1, 2)
    assert rows(db, "SELECT count(*) FROM reading") == [(3,)]


def test_a_copy_that_came_when_the_clock_had_passed_it_does_not_differ(db: Db, world: World) -> None:
    held = take(db, 1)
    reading = [(T, {HR: 61.0})]
    ahead = to_store(world, [world.batch(1, reading, first=0)], held, status=np.array([Status.CLOCK_UNSURE], np.uint8))
    store(db, ahead)
    assert store(db, to_store(world, [world.batch(1, reading, first=0)], held, first=1)).differing == 0
    assert rows(db, "SELECT heart_rate_status FROM reading") == [(9,)]


@pytest.mark.parametrize("way", [Readings(), Readings(straight_from=float("inf"))], ids=["straight", "staged"])
def test_a_reading_taken_at_its_arrival_is_stored_with_that_mark(db: Db, world: World, way: Readings) -> None:
    held, records = take(db, 1), []
    for k, clock in enumerate((ClockQuality.SURE, ClockQuality.ARRIVAL, ClockQuality.UNSURE)):
        sample = np.array([(T + 1000 * k, 61.0, HR, 0, 0)], SAMPLE).tobytes()
        records.append(
            world.record(Kind.SAMPLES, sample, patient=1, device=1001, gateway=101, count=1, first=k, clock=clock)
        )
    store_round(db, TOPIC, TOPIC_ID, to_store(world, records, held), fold_nothing, way)
    assert rows(db, "SELECT clock FROM reading ORDER BY time") == [(None,), (2,), (1,)]


def test_what_is_not_kept_is_not_stored(db: Db, world: World) -> None:
    held = take(db, 1)
    record = world.batch(1, [(T, {HR: 61.0, SPO2: 97.0}), (T + 1, {HR: 62.0})])
    todo = to_store(world, [record], held, accepted=np.array([False, False, True]), rejected=[Rejection(0, 0, "why")])
    assert store(db, todo).readings == 1
    assert rows(db, "SELECT at_offset, reading, reason FROM rejected") == [(0, 0, "why")]
