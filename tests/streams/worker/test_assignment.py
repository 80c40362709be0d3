from __future__ import annotations

import asyncio
from types import SimpleNamespace

import psycopg
import pytest
from confluent_kafka import TopicPartition

from deploy.schema.migrate import migrate
from devices.vitals import Vital
from devices.wire.event import Heartbeat
from streams.kafka.topic import topic_id
from streams.worker.assignment import Assignment
from streams.worker.settings import WorkerSettings
from tests.streams.producing import now_ms, produce, stored_values
from tests.streams.worker.worker_process import wait_for, wait_for_ledger

HR = Vital.HEART_RATE
pytestmark = [pytest.mark.stack, pytest.mark.partitions(4)]


def expire(kafka, topic, partition, before):
    admin = kafka.admin()
    for future in admin.delete_records([TopicPartition(topic, partition, before)]).values():
        future.result(15)


def test_a_log_that_does_not_go_on_where_the_ledger_stands_is_not_read_and_the_others_are(
    start_worker, world, kafka, topic, plain_database
):
    start_worker(plain_database).kill()
    events = [world.event(p, Heartbeat(now_ms())) for p in (1, 2, 3) for _ in range(3)]
    produce(kafka.client(), topic, world.admission() + events)
    expire(kafka, topic, 1, 5)
    here = topic_id(kafka.bootstrap, topic)
    with psycopg.connect(plain_database) as db:
        db.cursor().executemany(
            "INSERT INTO ledger (topic, topic_id, partition, next_offset, epoch, owner) VALUES (%s, %s, %s, %s, 4, 0)",
            [(topic, here, 1, 4), (topic, here, 2, 1000), (topic, "another", 3, 0)],
        )
    produce(kafka.client(), topic, [world.event(65, Heartbeat(now_ms()))])  # partition 1 again
    with start_worker(plain_database) as worker:
        wait_for(plain_database, "SELECT count(*) FROM test_condition", lambda n: n == 3)
        assert worker.stop() == 0
    with psycopg.connect(plain_database) as db:
        found = db.execute("SELECT partition, rule, phase, detail->>'why' FROM test_condition ORDER BY 1").fetchall()
        assert found == [
            (1, "log_damaged", "onset", "records not yet stored have expired"),
            (2, "log_damaged", "onset", "the log was cut back"),
            (3, "log_damaged", "onset", "the topic was made again"),
        ]
        assert db.execute("SELECT count(*) FROM event").fetchone() == (0,)
        assert db.execute("SELECT next_offset FROM ledger ORDER BY partition").fetchall() == [(0,), (4,), (1000,), (0,)]


def test_with_state_and_log_gone_who_may_speak_is_known_from_the_controls(start_worker, world, kafka, topic, plain_database):
    t = now_ms()
    sent = [*world.admission(), world.batch(1, [(t, {HR: 61.0})])]
    with start_worker(plain_database, snapshot_s=0.1) as worker:
        produce(kafka.client(), topic, sent)
        wait_for_ledger(plain_database, len(sent))
        assert worker.stop() == 0
    with psycopg.connect(plain_database) as db:
        db.execute("INSERT INTO engine_state VALUES (%s, 1, 1, now(), 'rubbish') ON CONFLICT DO NOTHING", [topic])
        db.execute("UPDATE engine_state SET state = 'rubbish'")
        assert db.execute("SELECT count(*) FROM rollup_minute").fetchone() == (0,)  # it waited in the state that is lost
        offsets = dict(db.execute("SELECT partition, next_offset FROM ledger").fetchall())
    expire(kafka, topic, 1, offsets[1])
    with start_worker(plain_database, group=f"{topic}-next") as worker:
        produce(kafka.client(), topic, [world.batch(1, [(t + 1000, {HR: 62.0})])])
        wait_for_ledger(plain_database, len(sent) + 1)
        wait_for(plain_database, "SELECT count(*) FROM test_condition WHERE rule = 'state_lost'", lambda n: n == 2)
        with psycopg.connect(plain_database) as db:
            rolled = "SELECT patient, vital, n, mean FROM rollup_minute WHERE time <= to_timestamp(%s)"
            assert db.execute(rolled, [t / 1000]).fetchall() == [(1, HR, 1, 61)]
        assert worker.stop() == 0
    assert stored_values(plain_database, 1) == [(t, {"heart_rate": 61}), (t + 1000, {"heart_rate": 62})]


@pytest.fixture
def host(kafka, topic, plain_database, tmp_path):
    """A worker around an assignment: real brokers and ledger; the database answers once ``may`` is set."""
    migrate(plain_database)
    asked, may = asyncio.Event(), asyncio.Event()

    async def in_database(work):
        asked.set()
        await may.wait()
        with psycopg.connect(plain_database, autocommit=True) as db:
            return await asyncio.to_thread(work, db)

    async def in_engine(work):
        return work()

    async def position(_):
        return None

    settings = WorkerSettings(database=plain_database, master_key_file=tmp_path, kafka=kafka.bootstrap, topic=topic)
    rounds = SimpleNamespace(
        expect=lambda _: None,
        take=lambda held, _: SimpleNamespace(offset=held.offset, state_lost=False),
        drop=lambda _: None,
    )
    tasks = []
    app = SimpleNamespace(consumer=SimpleNamespace(position=position))
    return SimpleNamespace(
        settings=settings, rounds=rounds, app=app, in_database=in_database, in_engine=in_engine, asked=asked, may=may,
        tasks=tasks, spawn=lambda work: tasks.append(asyncio.ensure_future(work)),
    )  # fmt: skip


def taken_of(database):
    with psycopg.connect(database) as db:
        return db.execute("SELECT partition, epoch FROM ledger ORDER BY 1").fetchall()


async def test_what_the_group_gave_to_another_meanwhile_is_not_taken(host, plain_database):
    assignment = Assignment(host)
    assignment.assign(frozenset({0, 1}))
    await asyncio.wait_for(host.asked.wait(), 10)
    assignment.revoke()
    assignment.assign(frozenset({1}))
    host.may.set()
    await asyncio.wait_for(asyncio.gather(*host.tasks), 20)
    assert list(assignment.epochs()) == [1]
    assert taken_of(plain_database) == [(1, 1)]


async def test_while_the_group_decides_anew_nothing_is_taken_and_all_of_it_afterwards(host, plain_database):
    assignment = Assignment(host)
    assignment.assign(frozenset({0, 1}))
    await asyncio.wait_for(host.asked.wait(), 10)
    assignment.revoke()
    host.may.set()
    for _ in range(2):  # it asks again, and gets nothing
        host.asked.clear()
        await asyncio.wait_for(host.asked.wait(), 10)
    assert taken_of(plain_database) == []
    assignment.assign(frozenset({0, 1}))
    await asyncio.wait_for(asyncio.gather(*host.tasks), 20)
    assert sorted(assignment.epochs()) == [0, 1]
    assert taken_of(plain_database) == [(0, 1), (1, 1)]
