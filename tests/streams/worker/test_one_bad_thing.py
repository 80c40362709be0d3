"""One bad record, or one bad key, stops nobody: it is refused alone, with its reason, and said."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest

from deploy.stack.kafka import Kafka
from devices.vitals import Vital
from devices.wire.event import Battery, Heartbeat
from devices.wire.sealing import new_key
from streams.worker.threads import EXIT_FAILED
from tests.fix_worker import Prepare, StartWorker
from tests.streams.producing import World, now_ms, produce, stored_values
from tests.streams.worker.worker_process import WorkerProcess, wait_for, wait_for_ledger

HR = Vital.HEART_RATE
pytestmark = [pytest.mark.stack, pytest.mark.partitions(4)]

REJECTED = "SELECT partition, at_offset, reading, reason, record FROM rejected ORDER BY 1, 2"
CONDITIONS = "SELECT subject, rule, source, phase FROM test_condition WHERE rule = %s ORDER BY subject, second, phase DESC"
DAMAGE = {  # patient -> what befalls the key of their gateway
    1: "wrapped = overlay(wrapped placing '\\x0000'::bytea from 20)",
    2: "wrapped = ''",
    3: "patient = patient + 1000",
}


def rows(database: str, query: str, *values: object) -> list[tuple[Any, ...]]:
    with psycopg.connect(database, autocommit=True) as db:
        cursor = db.execute(query, values)
        return cursor.fetchall() if cursor.description else []


def test_damaged_data_keys_stop_their_own_records_and_nobody_elses(
    start_worker: StartWorker, world: World, kafka: Kafka, topic: str, plain_database: str
) -> None:
    t = now_ms()
    start_worker(plain_database).kill()
    keys = {patient: key for key, (patient, gateway, _) in world.secrets.items() if gateway}
    whole = rows(plain_database, "SELECT key, patient, wrapped FROM data_key")
    for patient, what in DAMAGE.items():
        rows(plain_database, f"UPDATE data_key SET {what} WHERE key = %s", keys[patient])
    first = [world.batch(p, [(t, {HR: 60.0 + p % 9})]) for p in world.patients]
    records = [*world.admission(), *first, *(world.batch(p, [(t + 1, {HR: 70.0})]) for p in world.patients)]
    conditions = [(patient, "data_key_damaged", 100 + patient) for patient in DAMAGE]
    with start_worker(plain_database) as worker:
        produce(kafka.client(), topic, records)
        wait_for_ledger(plain_database, len(records), 90)
        refused = rows(plain_database, REJECTED)
        assert {row[3] for row in refused} == {"the data key cannot be opened"}
        assert len(refused) == 6
        assert {one.value for one in first[:3]} < {row[4] for row in refused}
        assert stored_values(plain_database, 65) == [(t, {"heart_rate": 62.0}), (t + 1, {"heart_rate": 70.0})]
        assert rows(plain_database, CONDITIONS, "data_key_damaged") == [(*one, "onset") for one in conditions]
        for key, patient, wrapped in whole:
            rows(plain_database, "UPDATE data_key SET (patient, wrapped) = (%s, %s) WHERE key = %s", patient, wrapped, key)
        produce(kafka.client(), topic, first)  # as `vigil rejected retry` does
        wait_for_ledger(plain_database, len(records) + len(first))
        ends = [(*one, phase) for one in conditions for phase in ("onset", "end")]
        assert rows(plain_database, CONDITIONS, "data_key_damaged") == ends
        assert stored_values(plain_database, 1) == [(t, {"heart_rate": 61.0})]
        assert worker.stop() == 0
    named = [line for line in worker.log.read_text().splitlines() if "this data key cannot be opened" in line]
    assert len(named) == len(DAMAGE)
    assert all(any(f"key={keys[patient]}" in line for line in named) for patient in DAMAGE)


def test_where_no_key_opens_it_is_the_master_key_and_the_worker_says_so_at_its_start(
    prepare: Prepare, kafka: Kafka, topic: str, plain_database: str, home: Path
) -> None:
    prepare(plain_database)
    wrong = home / "another.key"
    wrong.touch(mode=0o600)
    wrong.write_bytes(new_key())
    with WorkerProcess(plain_database, kafka.bootstrap, topic, wrong) as worker:
        assert worker.popen.wait(40) == EXIT_FAILED
    conditions = worker.log.read_text()
    assert "None of 9 data keys opens under this master key: was the key file exchanged?" in conditions


def test_a_record_at_which_the_engine_fails_is_set_aside_alone_and_the_worker_goes_on(
    start_worker: StartWorker, world: World, kafka: Kafka, topic: str, plain_database: str
) -> None:
    t = now_ms()
    poison = world.event(1, Battery(t, 50), device=world.device(1))
    beats = [world.event(p, Heartbeat(t + n)) for n in range(20) for p in world.patients]
    records = [*world.admission(), *beats[:40], poison, *beats[40:]]
    with start_worker(plain_database, TEST_FAIL="at once") as worker:
        offsets = produce(kafka.client(), topic, records)
        wait_for_ledger(plain_database, len(records), 60)
        assert worker.popen.poll() is None
    at = offsets[records.index(poison)]
    with start_worker(plain_database, TEST_FAIL="at once", group=f"{topic}-next") as worker:  # the log is folded again
        produce(kafka.client(), topic, [world.event(p, Heartbeat(t + 1000)) for p in world.patients])
        wait_for_ledger(plain_database, len(records) + 4, 60)
        assert worker.popen.poll() is None
    assert rows(plain_database, REJECTED) == [(1, at, -1, "the engine failed: KeyError", poison.value)]
    assert rows(plain_database, "SELECT count(*) FROM event WHERE kind = 'heartbeat'") == [(len(beats) + 4,)]
    phases = [(1, "record_set_aside", 0, phase) for phase in ("onset", "end")]
    assert rows(plain_database, CONDITIONS, "record_set_aside") == phases
    assert not rows(plain_database, CONDITIONS, "state_lost")


def test_a_state_that_fails_in_the_second_after_its_record_is_left_behind_and_nothing_is_refused(
    start_worker: StartWorker, world: World, kafka: Kafka, topic: str, plain_database: str
) -> None:
    t = now_ms()
    beats = [world.event(p, Heartbeat(t + n)) for n in range(5) for p in world.patients]
    first = [*world.admission(), *beats, world.event(1, Battery(t, 50), device=world.device(1))]
    with start_worker(plain_database, TEST_FAIL="a second later") as worker:
        produce(kafka.client(), topic, first)
        wait_for_ledger(plain_database, len(first), 60)
        time.sleep(1)
        rest = [world.event(p, Heartbeat(t + 1000 + n)) for n in range(5) for p in world.patients]
        produce(kafka.client(), topic, rest)
        wait_for_ledger(plain_database, len(first) + len(rest), 60)
        assert worker.popen.poll() is None
    assert rows(plain_database, REJECTED) == []
    assert rows(plain_database, "SELECT count(*) FROM event") == [(len(beats) + 1 + len(rest),)]
    phases = [(1, "state_lost", 0, phase) for phase in ("onset", "end")]
    assert rows(plain_database, CONDITIONS, "state_lost") == phases


def test_a_record_that_the_database_refuses_is_set_aside_alone(
    start_worker: StartWorker, world: World, kafka: Kafka, topic: str, plain_database: str
) -> None:
    t = now_ms()
    start_worker(plain_database).kill()
    rows(plain_database, "ALTER TABLE event ADD CHECK (value->>'percent' <> '51')")
    poison = world.event(1, Battery(t, 51), device=world.device(1))
    beats = [world.event(p, Heartbeat(t + n)) for n in range(5) for p in world.patients]
    records = [*world.admission(), *beats[:10], poison, *beats[10:]]
    with start_worker(plain_database) as worker:
        produce(kafka.client(), topic, records)
        wait_for_ledger(plain_database, len(records), 90)
        assert worker.stop() in {0, -signal.SIGTERM}
    refused = [(row[0], row[3], row[4]) for row in rows(plain_database, REJECTED)]
    assert refused == [(1, "the store failed: CheckViolation", poison.value)]
    wait_for(plain_database, "SELECT count(*) FROM event", lambda n: n == len(beats))
