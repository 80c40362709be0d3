"""The relay between a real database and a real Kafka."""

from __future__ import annotations

import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from alerts.care.admit import admit_patient
from alerts.care.consent import give_consent
from alerts.care.identity import Identity
from alerts.care.limits import set_limits, set_rule_set
from alerts.care.observations import observe
from alerts.care.teams import add_team
from alerts.control import relay as relaying
from alerts.control.data_keys import current_key
from alerts.control.outbox import send
from alerts.control.relay import hold_lock, new_producer, run_relay, send_observations, send_waiting
from alerts.control.restored import desk_epoch
from alerts.errors import RelayError
from alerts.notify.metrics import PART_FAILURES
from alerts.rules.defaults import default_rule_set
from alerts.settings import NotifySettings
from alerts.supervision import Supervisor
from deploy.stack.kafka import Kafka
from devices.sample import SAMPLE
from devices.vitals import Vital
from devices.wire.batch import PARTITIONS, Kind, key_of, parse_header
from devices.wire.control import Consent, Control, Facts, Level, Limit, Limits, RuleSet, decode_control
from devices.wire.sealing import open_record
from tests.alerts.conftest import Db

Record = tuple[int, bytes, bytes]
"""(partition, key, value)"""
MASTER = bytes(range(32))
ADA = Identity(family="Exampleton", given="Ada", born="1945-07-14")


@pytest.fixture
def patients(db: Db) -> list[int]:
    with db.transaction():
        team = add_team(db, "North")
        return [admit_patient(db, MASTER, ADA, team, Facts(), by=1) for _ in range(3)]


@pytest.fixture
def producer(kafka: Kafka) -> Producer:
    return new_producer(kafka.bootstrap)


def records(kafka: Kafka, topic: str, expected: int, seconds: float = 20) -> list[Record]:
    """All records of a topic, once there are ``expected``: (partition, key, value), in each partition's order."""
    consumer = Consumer({**kafka.client(), "group.id": "t", "enable.auto.commit": False})
    consumer.assign([TopicPartition(topic, partition, 0) for partition in range(PARTITIONS)])
    found: list[Any] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end and len(found) < expected:
        found += [(m.partition(), m.key(), m.value()) for m in consumer.consume(500, 0.2) if m.error() is None]
    found += [(m.partition(), m.key(), m.value()) for m in consumer.consume(500, 0.3) if m.error() is None]
    consumer.close()
    return found


def opened(db: Db, value: bytes) -> Control:
    head = parse_header(value)
    key, secret = current_key(db, MASTER, int(head["patient"][0]), 0)
    assert (int(head["key"][0]), int(head["gateway"][0]), int(head["kind"][0])) == (key, 0, Kind.CONTROL)
    return decode_control(open_record(value, AESGCM(secret)))


def settings_for(schema: str, kafka: Kafka, topic: str, home: Path) -> NotifySettings:
    master = home / "master.key"
    if not master.exists():
        master.write_bytes(MASTER)
        master.chmod(0o600)
    return NotifySettings(database=schema, kafka=kafka.bootstrap, topic=topic, master_key_file=master, poll_s=0.5)


def test_records_arrive_sealed_for_their_patient_in_order_with_epoch_and_sequence(
    db: Db, patients: list[int], kafka: Kafka, topic: str, producer: Producer
) -> None:
    with db.transaction():
        for patient in patients:
            give_consent(db, patient, True, by=1)
            give_consent(db, patient, False, by=1)
    assert send_waiting(db, producer, MASTER, topic=topic) == 9
    assert db.execute("SELECT count(*) FROM control_outbox WHERE sent IS NULL").fetchone() == (0,)
    assert send_waiting(db, producer, MASTER, topic=topic) == 0
    found = records(kafka, topic, 9)
    assert len(found) == 9
    for patient in patients:
        mine = [(key, value) for partition, key, value in found if partition == patient % PARTITIONS]
        assert {key for key, _ in mine} == {key_of(patient)}
        heads = [parse_header(value) for _, value in mine]
        assert [int(head["patient"][0]) for head in heads] == [patient] * 3
        assert {int(head["epoch"][0]) for head in heads} == {desk_epoch(db)}
        firsts = [int(head["first"][0]) for head in heads]
        assert firsts == sorted(firsts)
        facts, *consents = [opened(db, value) for _, value in mine]
        assert facts == Facts(born="1945-07-14")
        assert [consent.given for consent in consents if isinstance(consent, Consent)] == [True, False]
        assert len(consents) == 2


def test_a_rule_set_reaches_every_partition(db: Db, kafka: Kafka, topic: str, producer: Producer) -> None:
    with db.transaction():
        set_rule_set(db, default_rule_set(), by=1)
    assert send_waiting(db, producer, MASTER, topic=topic) == 1
    found = records(kafka, topic, PARTITIONS)
    assert sorted(partition for partition, _, _ in found) == list(range(PARTITIONS))
    assert opened(db, found[0][2]) == default_rule_set()
    assert {key for _, key, _ in found} == {key_of(0)}


def test_what_was_not_acknowledged_waits_and_is_sent_again(
    db: Db, patients: list[int], kafka: Kafka, topic: str, producer: Producer
) -> None:
    with db.transaction():
        send(db, 0, RuleSet(version=1), by=1)
    refusing = new_producer("127.0.0.1:1")
    stop = threading.Event()
    threading.Timer(0.5, stop.set).start()
    with pytest.raises(RelayError) as refused:
        send_waiting(db, refusing, MASTER, topic=topic, stop=stop)
    refusing.purge()
    assert refused.value.sent == 0
    assert db.execute("SELECT count(*) FROM control_outbox WHERE sent IS NULL").fetchone() == (4,)
    assert send_waiting(db, producer, MASTER, topic=topic) == 4


def test_records_of_an_erased_patient_are_left_out(
    db: Db, patients: list[int], kafka: Kafka, topic: str, producer: Producer
) -> None:
    db.execute("DELETE FROM patient WHERE patient = %s", [patients[0]])
    db.execute("DELETE FROM data_key WHERE patient = %s", [patients[0]])
    assert send_waiting(db, producer, MASTER, topic=topic) == 3
    assert {int(parse_header(value)["patient"][0]) for _, _, value in records(kafka, topic, 2)} == set(patients[1:])
    assert db.execute("SELECT count(*) FROM data_key WHERE patient = %s", [patients[0]]).fetchone() == (0,)


def test_a_row_that_is_no_control_record_stops_nothing(
    db: Db, patients: list[int], kafka: Kafka, topic: str, producer: Producer
) -> None:
    db.execute("INSERT INTO control_outbox (patient, kind, payload, by_person) VALUES (%s, 'x', '{}', 1)", [patients[0]])
    assert send_waiting(db, producer, MASTER, topic=topic) == 4
    assert len(records(kafka, topic, 3)) == 3


def test_a_damaged_key_holds_up_its_patient_alone(
    db: Db, patients: list[int], kafka: Kafka, topic: str, producer: Producer
) -> None:
    db.execute("UPDATE data_key SET wrapped = '\\x5a' WHERE patient = %s", [patients[0]])
    db.execute("UPDATE control_outbox SET created = 'infinity' WHERE patient = %s", [patients[1]])
    send_waiting(db, producer, MASTER, topic=topic)
    waiting = db.execute("SELECT DISTINCT patient FROM control_outbox WHERE sent IS NULL").fetchall()
    assert waiting == [(patients[0],)]
    assert send_waiting(db, producer, MASTER, topic=topic) == 0


def test_one_relays_and_another_takes_over_when_it_is_gone(schema: str) -> None:
    with psycopg.connect(schema, autocommit=True) as one, psycopg.connect(schema, autocommit=True) as two:
        assert hold_lock(one)
        assert not hold_lock(two)
        one.close()
        end = time.monotonic() + 5
        while not hold_lock(two):
            assert time.monotonic() < end
            time.sleep(0.02)


def test_a_relay_that_is_stopped_or_whose_host_is_gone_gives_way_within_15_s(
    schema: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert relaying.LEASE_S + NotifySettings.model_fields["poll_s"].default <= 11
    monkeypatch.setattr(relaying, "LEASE_S", 1)
    held, stop = threading.Event(), threading.Event()

    def stopped(db: Db, *_: object) -> None:
        assert hold_lock(db)
        held.set()
        stop.wait(20)  # as a process that is stopped: it asks nothing, and its kernel answers for it

    monkeypatch.setattr(relaying, "_relay", stopped)
    master = home / "master.key"
    master.write_bytes(MASTER)
    master.chmod(0o600)
    settings = NotifySettings(database=schema, master_key_file=master)
    thread = threading.Thread(target=run_relay, args=(settings, stop))
    thread.start()
    try:
        assert held.wait(10)
        with psycopg.connect(schema, autocommit=True) as other:
            assert not hold_lock(other)
            end = time.monotonic() + 5
            while not hold_lock(other):
                assert time.monotonic() < end
                time.sleep(0.02)
    finally:
        stop.set()
        thread.join(10)


def test_it_relays_at_each_commit_survives_its_session_and_ends_on_request(
    db: Db, patients: list[int], schema: str, kafka: Kafka, topic: str, home: Path
) -> None:
    stop, supervisor = threading.Event(), Supervisor(PART_FAILURES, (psycopg.Error,))
    body = partial(run_relay, settings_for(schema, kafka, topic, home), stop)
    relay = threading.Thread(target=supervisor.keep_in_thread, args=("relay", body, stop))
    relay.start()
    try:
        wait_until_sent(db, 15)
        db.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'vigil relay' AND datname = current_database()"
        )
        with db.transaction():
            give_consent(db, patients[0], True, by=1)
        wait_until_sent(db, 15)
        began = time.monotonic()
        with db.transaction():
            give_consent(db, patients[1], True, by=1)
        wait_until_sent(db, 15)
        assert time.monotonic() - began < 3
    finally:
        stop.set()
        relay.join(10)
    assert not relay.is_alive()
    assert len(records(kafka, topic, 5)) == 5


def wait_until_sent(db: Db, seconds: float) -> None:
    end = time.monotonic() + seconds
    while db.execute("SELECT count(*) FROM control_outbox WHERE sent IS NULL").fetchone() != (0,):
        assert time.monotonic() < end
        time.sleep(0.02)


def test_what_waited_for_its_key_is_not_dropped_behind_what_was_sent_meanwhile(
    db: Db, patients: list[int], kafka: Kafka, topic: str, producer: Producer
) -> None:
    """The engine drops a number that is not greater than the newest one of its partition."""
    held, other = patients[0], patients[0] + PARTITIONS
    db.execute(
        "INSERT INTO patient (patient, identity, team) SELECT %s, identity, team FROM patient WHERE patient = %s",
        [other, held],
    )
    assert send_waiting(db, producer, MASTER, topic=topic) == 3
    with db.transaction():
        set_limits(db, held, Limits((Limit(int(Vital.SPO2), "low", Level(90, 60), Level(85, 15)),)), 1)
        db.execute("INSERT INTO limit_change SELECT max(sequence), %s, 'why' FROM control_outbox", [held])
        give_consent(db, held, True, by=1)
        give_consent(db, other, True, by=1)
    key = "SELECT wrapped FROM data_key WHERE patient = %s AND gateway = 0"
    (wrapped,) = db.execute(key, [held]).fetchone() or (b"",)
    db.execute("UPDATE data_key SET wrapped = '\\x00' WHERE patient = %s", [held])
    assert send_waiting(db, producer, MASTER, topic=topic) == 1
    with db.transaction():
        give_consent(db, held, False, by=1)
    db.execute("UPDATE data_key SET wrapped = %s WHERE patient = %s", [wrapped, held])
    assert send_waiting(db, producer, MASTER, topic=topic) == 3
    assert send_waiting(db, producer, MASTER, topic=topic) == 0
    found = [value for partition, _, value in records(kafka, topic, 7) if partition == held % PARTITIONS]
    heads = [parse_header(value) for value in found]
    assert [int(head["patient"][0]) for head in heads] == [held, other, held, held, held]
    numbers = [int(head["first"][0]) for head in heads]
    assert numbers == sorted(set(numbers)), "each is newer than all before it: the engine takes every one"
    limits, first, second = (opened(db, value) for value in found[-3:])
    assert isinstance(limits, Limits)
    assert [first, second] == [Consent(True, first.at), Consent(False, second.at)]  # type: ignore[union-attr]
    assert db.execute("SELECT sequence FROM limit_change").fetchall() == [(numbers[2],)]


def test_an_observation_becomes_one_reading_of_the_desk_itself(
    db: Db, patients: list[int], kafka: Kafka, topic: str, producer: Producer
) -> None:
    with db.transaction():
        for patient in patients:
            give_consent(db, patient, given=True, by=1)
        number = observe(db, patients[1], {Vital.RESPIRATORY_RATE: 24, Vital.SYSTOLIC: 118}, by=7)
        db.execute("INSERT INTO observation (patient, time, content, by_person) VALUES (%s, now(), '[1]', 7)", [patients[0]])
    assert send_observations(db, producer, MASTER, topic=topic) == 2  # the damaged one is passed over
    assert send_observations(db, producer, MASTER, topic=topic) == 0
    ((_, _, value),) = records(kafka, topic, 1)
    head = parse_header(value)
    assert [int(head[name][0]) for name in ("kind", "patient", "device", "gateway", "first", "epoch")] == [
        Kind.SAMPLES, patients[1], 0, 0, number, desk_epoch(db),
    ]  # fmt: skip
    _, secret = current_key(db, MASTER, patients[1], 0)
    samples = np.frombuffer(open_record(value, AESGCM(secret)), SAMPLE)
    assert dict(zip(samples["vital"].tolist(), samples["value"].tolist(), strict=True)) == {4: 24.0, 5: 118.0}
    assert set(samples["status"].tolist()) == {0}
