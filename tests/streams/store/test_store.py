from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import psycopg
import pytest

from deploy.schema.migrate import migrate
from devices.sample import SAMPLE, Status
from devices.vitals import VITALS, Vital
from devices.wire.control import Consent
from devices.wire.event import Heartbeat
from streams.engine.condition import Condition, Priority
from streams.engine.opening.opening import open_blocks
from streams.engine.round import Rejection
from streams.engine.writes import LATE, LATEST, ROLLUP, Writes
from streams.store import ledger
from streams.store.ledger import Move
from streams.store.readings import Readings, stage_readings
from streams.store.recall import stored_since
from streams.store.records import Snapshot
from streams.store.staging import prepare
from streams.store.store import RoundToStore, fold_nothing, store_round
from tests.streams.engine.opening.test_opening import T, blocks_of
from tests.streams.engine.recall import samples_of
from tests.streams.producing import World, stored_values

HR, SPO2, TEMPERATURE = Vital.HEART_RATE, Vital.SPO2, Vital.TEMPERATURE
TOPIC, TOPIC_ID = "vitals.v1", "abc"


@pytest.fixture
def world():
    return World([1, 2, 65])


@pytest.fixture
def db(database):
    migrate(database)
    with psycopg.connect(database, autocommit=True, application_name=ledger.APPLICATION) as connection:
        prepare(connection)
        yield connection


def writes_of(round_):
    return Writes(
        round_,
        np.ones(len(round_.samples), bool),
        round_.samples["status"].copy(),
        np.empty(0, ROLLUP),
        np.empty(0, LATE),
        np.empty(0, LATEST),
        list(round_.events),
        list(round_.controls),
        list(round_.rejected),
    )


def to_store(world, records, held, first=0, **changes):
    blocks = blocks_of(records, first=first)
    round_ = open_blocks(blocks, world.ring())
    writes = replace(writes_of(round_), **changes)
    moves = [Move(b.partition, held[b.partition].epoch, b.first, b.next, int(b.appended[-1]), 1) for b in blocks]
    return RoundToStore(writes, [value for block in blocks for value in block.values], moves)


def take(db, *partitions):
    return ledger.take(db, TOPIC, TOPIC_ID, dict.fromkeys(partitions, 0))


def store(db, todo, fold=fold_nothing):
    return store_round(db, TOPIC, TOPIC_ID, todo, fold)


def rows(db, query):
    return db.execute(query).fetchall()


def test_what_was_sent_is_stored_value_by_value(db, database, world):
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
        stored = [(t, {k: np.float32(v) for k, v in values.items()}) for t, values in stored_values(database, patient)]
        assert stored == [(t, {VITALS[v].column: x for v, x in values.items()}) for t, values in readings]
    assert rows(db, "SELECT patient, device, epoch, sequence, at_offset FROM reading ORDER BY patient, time") == [
        (1, 1001, 1234, 0, 0), (1, 1001, 1234, 1, 0), (2, 1002, 1234, 0, 0), (2, 1002, 1234, 1, 0), (65, 1065, 1234, 0, 1),
    ]  # fmt: skip
    assert rows(db, "SELECT partition, next_offset, epoch, last_crc FROM ledger ORDER BY 1") == [(1, 2, 1, 1), (2, 1, 1, 1)]


def test_a_status_is_stored_beside_its_value_and_nan_as_null(db, world):
    held = take(db, 1)
    samples = [(T, np.nan, HR, Status.NAN, 0), (T, 97, SPO2, Status.POOR_CONTACT, 0), (T + 1, 60, HR, 0, 1)]
    record = world.record(1, np.array(samples, SAMPLE).tobytes(), patient=1, device=1001, gateway=101, count=2)
    todo = to_store(world, [record], held)
    store(db, todo)
    assert rows(db, "SELECT heart_rate, heart_rate_status, spo2, spo2_status FROM reading ORDER BY time") == [
        (None, 5, 97.0, 2),
        (60.0, None, None, None),
    ]


def test_a_copy_is_stored_once_and_one_that_differs_is_rejected(db, world):
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


def random_rounds(world, rng):
    """Rounds of patients 1, 2 and 65 in which new readings, copies, and copies that differ come in any mixture."""
    known = {1: 0, 2: 0, 65: 0}

    def readings(patient, first, n, base):
        some = [{HR: base + k} | ({SPO2: 97.0} if k % 2 else {}) for k in range(first, first + n)]
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
def test_straight_or_staged_the_same_is_stored_and_rejected(db, world, seed):
    rounds = list(random_rounds(world, np.random.default_rng(seed)))
    found = []
    ways = (Readings(staged_s=0), Readings(), Readings(staged_s=1e9))
    ways[2]._straight_from = float("inf")  # always staged
    for way in ways:
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


def test_new_readings_go_straight_and_after_a_copy_they_are_staged_for_a_while(db, world, monkeypatch):
    held, way, staged = take(db, 1), Readings(staged_s=0.5), []
    monkeypatch.setattr("streams.store.readings.stage_readings", lambda *args: staged.append(stage_readings(*args)))

    def send(offset, first):
        todo = to_store(world, [world.batch(1, [(T + 1000 * first, {HR: 61.0})], first=first)], held, first=offset)
        return store_round(db, TOPIC, TOPIC_ID, todo, fold_nothing, way).readings

    assert (send(0, 0), len(staged)) == (1, 0)
    assert (send(1, 0), len(staged)) == (0, 1)  # a copy
    assert (send(2, 1), len(staged)) == (1, 2)
    time.sleep(0.5)
    assert (send(3, 2), len(staged)) == (1, 2)
    assert rows(db, "SELECT count(*) FROM reading") == [(3,)]


def test_a_copy_that_came_when_the_clock_had_passed_it_does_not_differ(db, world):
    held = take(db, 1)
    reading = [(T, {HR: 61.0})]
    ahead = to_store(world, [world.batch(1, reading, first=0)], held, status=np.array([Status.CLOCK_UNSURE], np.uint8))
    store(db, ahead)
    assert store(db, to_store(world, [world.batch(1, reading, first=0)], held, first=1)).differing == 0
    assert rows(db, "SELECT heart_rate_status FROM reading") == [(9,)]


def test_what_is_not_kept_is_not_stored(db, world):
    held = take(db, 1)
    record = world.batch(1, [(T, {HR: 61.0, SPO2: 97.0}), (T + 1, {HR: 62.0})])
    todo = to_store(world, [record], held, accepted=np.array([False, False, True]), rejected=[Rejection(0, 0, "why")])
    assert store(db, todo).readings == 1
    assert rows(db, "SELECT at_offset, reading, reason FROM rejected") == [(0, 0, "why")]


def test_events_controls_rejections_and_quarantine_keep_their_place_in_the_log(db, world):
    held = take(db, 1)
    records = [
        world.event(1, Heartbeat(T, waiting=3)),
        world.control(1, Consent(given=True, at=T)),
        replace(world.batch(1, [(T, {HR: 61})]), value=b"rubbish"),
        world.batch(1, [(T, {HR: 61})]),
    ]
    todo = to_store(world, records, held, accepted=np.zeros(1, bool), quarantined=[(3, "measured before the enrolment")])
    store(db, todo)
    assert rows(db, "SELECT patient, device, gateway, kind, value->>'waiting', at_offset FROM event") == [
        (1, 0, 101, "heartbeat", "3", 0)
    ]
    assert rows(db, "SELECT patient, partition, kind, at_offset, epoch, sequence, payload->>'given' FROM control") == [
        (1, 1, "consent", 1, 7, 1, "true")
    ]
    assert rows(db, "SELECT partition, at_offset, reading, reason, record FROM rejected") == [
        (1, 2, -1, "shorter than a header", b"rubbish")
    ]
    found = rows(db, "SELECT at_offset, reason, patient, device, gateway, record FROM quarantine")
    assert found == [(3, "measured before the enrolment", 1, 1001, 101, records[3].value)]


def latest(*values):
    return np.array(list(values), LATEST)


def test_latest_values_only_move_forward(db, world):
    held = take(db, 1)
    seen = []
    for n, row in enumerate(
        [
            (1, HR, 1001, T, 61, 0, T),
            (1, HR, 1001, T - 1, 99, 0, T + 1),
            (1, HR, 1001, T, 60, 0, T + 2),
            (1, HR, 1001, T + 5, np.nan, Status.NAN, T + 3),
            (1, HR, 1001, T + 5, 70, 0, T + 4),
        ]
    ):
        store(db, to_store(world, [world.event(1, Heartbeat(T + n))], held, first=n, latest=latest(row)))
        seen += rows(db, "SELECT value, status FROM latest")
    assert seen == [(61, 0), (61, 0), (61, 0), (None, Status.NAN), (70, 0)]


def test_the_vitals_of_a_device_move_forward_each_by_itself(db, world):
    held = take(db, 1)
    rounds = [
        latest((1, HR, 1001, T, 61, 0, T), (1, SPO2, 1001, T, 97, 0, T), (1, HR, 1002, T, 70, 0, T)),
        latest((1, HR, 1001, T + 2, 62, 0, T + 2), (1, SPO2, 1001, T + 1, 96, 0, T + 2)),  # all of them, later
        latest((1, SPO2, 1001, T + 3, 95, 0, T + 3)),  # one alone
        latest((1, HR, 1001, T + 1, 99, 0, T + 4), (1, SPO2, 1001, T + 4, 94, 0, T + 4)),  # one from before
        latest((1, TEMPERATURE, 1001, T - 9, 37, 0, T + 5), (1, HR, 1002, T, 70, 0, T + 5)),  # a new one; and one again
    ]
    for n, rows_of_round in enumerate(rounds):
        store(db, to_store(world, [world.event(1, Heartbeat(T + n))], held, first=n, latest=rows_of_round))
    ms = "(extract(epoch FROM {}) * 1000)::int8"
    query = f"SELECT device, vital, {ms.format('time')}, value, {ms.format('arrived')} FROM latest ORDER BY device, vital"
    assert rows(db, query) == [
        (1001, HR, T + 2, 62, T + 2),
        (1001, SPO2, T + 4, 94, T + 4),
        (1001, TEMPERATURE, T - 9, 37, T + 5),
        (1002, HR, T, 70, T),
    ]
    assert rows(db, f"SELECT device, {ms.format('newest')} FROM latest_of_device ORDER BY 1") == [(1001, T + 4), (1002, T)]


def rollup(minute, mean, second, offset=0):
    return (1, HR, 1001, 1, minute, 3, mean, 1, 2, 1, 2, np.nan, 0.5, 4, second, offset)


def test_a_minute_is_replaced_and_says_at_which_record_it_changed(db, world):
    held = take(db, 1)
    minute = T // 60_000
    heartbeats = [world.event(1, Heartbeat(T + n)) for n in range(3)]
    both = np.array([rollup(minute, 61, T // 1000), rollup(minute, 62, T // 1000 + 2, 2)], ROLLUP)
    store(db, to_store(world, heartbeats, held, rollups=both))
    query = "SELECT mean, std, slope, poor, n, changed_offset, extract(epoch FROM time)::int8 FROM rollup_minute"
    assert rows(db, query) == [(62, None, 0.5, 4, 3, 2, minute * 60)]
    store(db, to_store(world, heartbeats[:1], held, first=3, rollups=np.array([rollup(minute, 63, 0, 3)], ROLLUP)))
    assert rows(db, query) == [(63, None, 0.5, 4, 3, 3, minute * 60)]


def test_a_partition_that_lost_its_ledger_writes_nothing_and_the_others_commit(db, world):
    held = take(db, 1, 2)
    take(db, 1)  # somebody else
    conditions = [
        Condition(p, 1, patient, "spo2.low", 0, "onset", Priority.HIGH, "physiological") for p, patient in ((1, 1), (2, 2))
    ]
    records = [
        record
        for patient in (1, 2)
        for record in (
            world.batch(patient, [(T, {HR: 61.0})]),
            world.event(patient, Heartbeat(T)),
            world.control(patient, Consent(given=True, at=T)),
            replace(world.event(patient, Heartbeat(T)), value=b"rubbish"),
        )
    ]
    folded = []
    todo = to_store(
        world,
        records,
        held,
        conditions=conditions,
        quarantined=[(0, "why"), (4, "why")],
        rollups=np.array([rollup(1, 61, 0), (2, HR, 1002, 2, 1, 3, 61, 1, 2, 1, 2, 0, 0.5, 4, 1, 0)], ROLLUP),
        latest=latest((1, HR, 1001, T, 61, 0, T), (2, HR, 1002, T, 61, 0, T)),
    )
    todo.snapshots.extend([Snapshot(1, 4, T, b"one"), Snapshot(2, 4, T, b"two")])
    done = store(db, todo, lambda _, some: folded.extend(some))
    assert done.lost == {1}
    assert [one.subject for one in folded] == [2]
    for table in ("reading", "event", "control", "quarantine", "rollup_minute", "latest"):
        assert rows(db, f"SELECT patient FROM {table}") == [(2,)], table
    for table in ("rejected", "engine_state"):
        assert rows(db, f"SELECT partition FROM {table}") == [(2,)], table
    assert rows(db, "SELECT partition, next_offset FROM ledger ORDER BY 1") == [(1, 0), (2, 4)]


def test_a_round_whose_commit_was_not_heard_of_is_not_written_again(db, world):
    held = take(db, 1)
    todo = to_store(world, [world.batch(1, [(T, {HR: 61.0})])], held)
    folded = []
    store(db, todo)
    again = store(db, todo, lambda _, some: folded.extend(some))
    assert again.again
    assert not again.lost
    assert rows(db, "SELECT count(*) FROM reading") == [(1,)]


def test_an_error_in_the_fold_leaves_nothing(db, world):
    held = take(db, 1)
    condition = Condition(1, 1, 1, "spo2.low", 0, "onset", Priority.HIGH, "physiological")
    todo = to_store(world, [world.batch(1, [(T, {HR: 61.0})])], held, conditions=[condition])

    def broken(tx, conditions):
        raise psycopg.OperationalError("gone")

    with pytest.raises(psycopg.OperationalError):
        store(db, todo, broken)
    assert rows(db, "SELECT count(*) FROM reading") == [(0,)]
    assert rows(db, "SELECT next_offset FROM ledger") == [(0,)]
    assert store(db, todo).readings == 1


def test_a_snapshot_replaces_the_one_before(db, world):
    held = take(db, 1)
    for n in range(2):
        todo = to_store(world, [world.event(1, Heartbeat(T + n))], held, first=n)
        todo.snapshots.append(Snapshot(1, n + 1, T, b"state %d" % n))
        store(db, todo)
    assert rows(db, "SELECT partition, at_offset, state FROM engine_state") == [(1, 2, b"state 1")]


@pytest.mark.parametrize("at_once", [1, 1024])
def test_a_minute_older_than_the_ring_is_computed_from_all_that_is_stored(db, world, monkeypatch, at_once):
    monkeypatch.setattr("streams.store.late.MINUTES_AT_ONCE", at_once)
    held = take(db, 1, 2)
    start = T // 60_000 * 60_000
    first = [(start + 1000, {HR: 60.0, SPO2: 97.0}), (start + 59_000, {HR: 70.0}), (start + 60_000, {HR: 99.0})]
    store(db, to_store(world, [world.batch(1, first)], held))
    named = [(p, vital, 1000 + p, p, start // 60_000, T // 1000, 2) for p in (1, 2) for vital in (HR, SPO2)]
    behind = world.batch(1, [(start + 31_000, {HR: 40.0})])  # behind the second in which the minute was named
    records = [world.batch(1, [(start + 30_000, {HR: 50.0})]), behind, world.batch(2, first)]
    late = to_store(world, records, held, first=1, late=np.array(named, LATE))
    take(db, 2)  # somebody else
    assert store(db, late).lost == {2}
    assert rows(db, "SELECT patient, vital, n, mean, min, max, first, last, poor FROM rollup_minute ORDER BY vital") == [
        (1, HR, 3, 60, 50, 70, 60, 70, 0),
        (1, SPO2, 1, 97, 97, 97, 97, 97, 0),
    ]


def test_readings_come_back_by_vital(db, world):
    held = take(db, 1)
    payload = np.array([(T, np.nan, HR, Status.NAN, 0), (T, 97, SPO2, 0, 0), (T + 1, 60, HR, Status.ARTEFACT, 1)], SAMPLE)
    records = [world.record(1, payload.tobytes(), patient=1, device=1001, gateway=101, count=2)]
    store(db, to_store(world, [*records, world.batch(65, [(T + 5, {HR: 80.0})])], held, latest=latest(
        (1, HR, 1001, T, 61, 0, T), (65, HR, 1065, T, 61, 0, T)
    )))  # fmt: skip
    assert samples_of(stored_since(db, 1, T, 10)) == [
        (HR, 1, 1001, T, Status.NAN, -1), (HR, 1, 1001, T + 1, Status.ARTEFACT, 60), (HR, 65, 1065, T + 5, 0, 80),
        (SPO2, 1, 1001, T, 0, 97),
    ]  # fmt: skip
    assert samples_of(stored_since(db, 1, T + 2, 10)) == [(HR, 65, 1065, T + 5, 0, 80)]
    assert {patient for _, patient, *_ in samples_of(stored_since(db, 1, T, 1))} == {1}
    assert not stored_since(db, 2, T, 10).values
