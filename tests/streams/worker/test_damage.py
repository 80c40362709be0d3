from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from confluent_kafka import TopicPartition

from deploy.continue_after_loss import carry_out, plan
from deploy.settings import ServerSettings
from deploy.stack.kafka import Kafka
from devices.vitals import Vital
from devices.wire.event import Heartbeat
from streams.kafka.log import Log
from tests.deploy.test_continue_after_loss import cut
from tests.fix_worker import StartWorker
from tests.streams.producing import Record, World, now_ms, produce, stored_values
from tests.streams.worker.worker_process import wait_for, wait_for_ledger

HR = Vital.HEART_RATE
pytestmark = [pytest.mark.stack, pytest.mark.partitions(4)]


def expire(kafka: Kafka, topic: str, partition: int, before: int) -> None:
    admin = kafka.admin()
    for future in admin.delete_records([TopicPartition(topic, partition, before)]).values():
        future.result(15)


def test_a_log_that_does_not_go_on_where_the_ledger_stands_is_not_read_and_the_others_are(
    start_worker: StartWorker, world: World, kafka: Kafka, topic: str, plain_database: str
) -> None:
    start_worker(plain_database).kill()
    events = [world.event(p, Heartbeat(now_ms())) for p in (1, 2, 3) for _ in range(3)]
    produce(kafka.client(), topic, world.admission() + events)
    expire(kafka, topic, 1, 5)
    here = Log(kafka.bootstrap, topic).topic_id()
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


def test_a_log_cut_back_under_a_running_worker_and_grown_again_is_noticed_and_can_be_continued(
    start_worker: StartWorker, world: World, kafka: Kafka, topic: str, plain_database: str, home: Path
) -> None:
    def beats(n: int) -> list[Record]:
        return [world.event(2, Heartbeat(now_ms())) for _ in range(n)]

    with start_worker(plain_database) as worker:
        produce(kafka.client(), topic, [*world.admission(), *beats(3)])
        wait_for_ledger(plain_database, 11)
        cut(kafka, topic, 2)
        produce(kafka.client(), topic, beats(8))  # three of them at offsets that were read before
        wait_for(plain_database, "SELECT count(*) FROM test_condition WHERE rule = 'log_damaged'", lambda n: n == 1, 40)
        with psycopg.connect(plain_database) as db:
            assert db.execute("SELECT partition, damage FROM ledger WHERE damage IS NOT NULL").fetchall() == [
                (2, "the log was cut back and has grown again")
            ]
        settings = ServerSettings(
            database=plain_database, kafka=kafka.bootstrap, topic=topic, master_key_file=home / "master.key"
        )
        carry_out(settings, plan(settings, [2]))
        wait_for(plain_database, "SELECT count(*) FROM event", lambda n: n == 3 + 8)
        assert worker.popen.poll() is None


def test_with_state_and_log_gone_who_may_speak_is_known_from_the_controls(
    start_worker: StartWorker, world: World, kafka: Kafka, topic: str, plain_database: str
) -> None:
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
        offsets: dict[int, int] = dict(db.execute("SELECT partition, next_offset FROM ledger").fetchall())
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
