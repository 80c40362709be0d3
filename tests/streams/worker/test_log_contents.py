"""What a partition may contain that nothing of Vigil's writes: it costs its own offsets, and nobody else anything."""

from __future__ import annotations

import psycopg
import pytest
from confluent_kafka import Producer

from deploy.stack.kafka import Kafka
from devices.wire.event import Heartbeat
from streams.kafka import unpacking
from tests.fix_kafka import MakeTopic
from tests.fix_worker import StartWorker
from tests.streams.producing import Client, Record, World, clock, now_ms, produce
from tests.streams.worker.worker_process import wait_for, wait_for_ledger

pytestmark = pytest.mark.stack
BOMB = 40 << 20
REPORTED = """SELECT subject, rule, phase, detail ->> 'why' FROM test_condition
WHERE rule IN ('record_set_aside', 'partition_not_read') ORDER BY subject, rule, phase"""


@pytest.fixture
def topic(make_topic: MakeTopic) -> str:
    return make_topic(65)


def test_markers_changed_bytes_bombs_and_partitions_too_many_stop_nothing(
    start_worker: StartWorker, world: World, kafka: Kafka, topic: str, plain_database: str
) -> None:
    client = kafka.client()

    def beat(patient: int) -> Record:
        return world.event(patient, Heartbeat(now_ms()))

    produce(client, topic, world.admission())
    for commits in (True, False):
        transaction(client, topic, beat(1), commits=commits)
    bomb = Producer({**client, "compression.type": "zstd", "message.max.bytes": 2 * BOMB})
    bomb.produce(topic, bytes(BOMB), partition=2)
    assert bomb.flush(30) == 0
    (changed,) = produce(client, topic, [beat(3)])
    (segment,) = kafka.home.glob(f"**/{topic}-3/*.log")
    with segment.open("r+b") as file:  # a broker reads it as it stands there
        file.seek(-3, 2)
        (byte,) = file.read(1)
        file.seek(-3, 2)
        file.write(bytes([byte ^ 1]))
    produce(client, topic, [beat(p) for p in world.patients])
    with start_worker(plain_database) as worker:
        wait_for(plain_database, "SELECT count(*) FROM event", lambda n: n == 2 + 4, 60)
        produce(client, topic, [beat(p) for p in world.patients] + [clock(p) for p in range(64)])
        wait_for(plain_database, "SELECT count(*) FROM event", lambda n: n == 2 + 8, 20)
        wait_for_ledger(plain_database, 8 + 4 + 1 + 1 + 8 + 64)
        wait_for(plain_database, "SELECT count(*) FROM test_condition WHERE rule = 'partition_not_read'", lambda n: n == 2)
        assert worker.popen.poll() is None
    with psycopg.connect(plain_database) as db:
        refused = db.execute("SELECT partition, reason, record FROM rejected ORDER BY partition, at_offset").fetchall()
        assert db.execute("SELECT max(epoch) FROM ledger").fetchone() == (1,), "nothing was taken twice"
        assert db.execute("SELECT count(*) FROM rejected WHERE at_offset = %s AND partition = 3", [changed]).fetchone() == (
            1,
        )
        reported = db.execute(REPORTED).fetchall()
    marker, bomb_, changed_ = unpacking.MARKER, unpacking.TOO_LARGE, unpacking.CHANGED
    assert refused == [(1, marker, None), (1, marker, None), (2, bomb_, None), (3, changed_, None)]
    aside = [(1, marker), (2, bomb_), (3, changed_)]
    assert reported == [
        *((p, "record_set_aside", phase, reason) for p, reason in aside for phase in ("end", "onset")),
        *((64, "partition_not_read", phase, None) for phase in ("end", "onset")),
    ]


def transaction(client: Client, topic: str, record: Record, *, commits: bool) -> None:
    producer = Producer({**client, "transactional.id": f"{topic}-{commits}"})
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(topic, record.value, record.key, record.partition)
    assert producer.flush(30) == 0
    (producer.commit_transaction if commits else producer.abort_transaction)(30)
