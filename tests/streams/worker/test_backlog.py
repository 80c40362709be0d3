"""One partition far behind the others: what arrives beside it does not wait for it."""

from __future__ import annotations

import statistics
import time

import numpy as np
import psycopg
import pytest
from confluent_kafka import Producer

from deploy.stack.kafka import Kafka
from devices.wire.event import Heartbeat
from tests.fix_worker import Prepare, StartWorker
from tests.streams.producing import Client, World, now_ms, produce
from tests.streams.worker.worker_process import wait_for, wait_for_ledger

pytestmark = [pytest.mark.stack, pytest.mark.partitions(4), pytest.mark.alone]
TURNS = 5

DELAYS = """
CREATE TABLE delay (s float8);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO delay VALUES (extract(epoch FROM clock_timestamp() - NEW.time)); RETURN NEW; END $$;
CREATE TRIGGER note BEFORE INSERT ON event FOR EACH ROW WHEN (NEW.patient = 2) EXECUTE FUNCTION note();
"""


def delays(database: str, client: Client, topic: str, world: World, count: int) -> tuple[float, float]:
    """Seconds from producing to inserting of ``count`` heartbeats of patient 2, one each 10 ms."""
    with psycopg.connect(database) as db:
        db.execute("DELETE FROM delay")
    producer = Producer({**client, "linger.ms": 0})
    for _ in range(count):
        one = world.event(2, Heartbeat(now_ms()))
        producer.produce(topic, one.value, one.key, one.partition)
        producer.poll(0)
        time.sleep(0.01)
    assert producer.flush(30) == 0
    wait_for(database, "SELECT count(*) FROM delay", lambda n: n == count)
    with psycopg.connect(database) as db:
        found = [s for (s,) in db.execute("SELECT s FROM delay")]
    return float(np.quantile(found, 0.99)), float(np.median(found))


@pytest.mark.parametrize("records", [50_000, pytest.param(1_000_000, marks=[pytest.mark.full, pytest.mark.timeout(1200)])])
def test_a_partition_far_behind_does_not_double_anothers_delay(
    start_worker: StartWorker, prepare: Prepare, world: World, kafka: Kafka, topic: str, plain_database: str, records: int
) -> None:
    prepare(plain_database)
    with psycopg.connect(plain_database) as db:
        db.execute(DELAYS)
    client = kafka.client()
    sent = len(produce(client, topic, world.admission()))
    with start_worker(plain_database, clock=True) as worker:  # as deployed: nobody is silent for longer than a second
        found = []
        for _ in range(TURNS):  # in turns: whatever else this machine does meets both
            wait_for_ledger(plain_database, sent, 120 + records / 2000, at_least=True)
            alone = delays(plain_database, client, topic, world, 200)
            produce(client, topic, (world.event(1, Heartbeat(now_ms())) for _ in range(records)))
            beside = delays(plain_database, client, topic, world, 200)
            sent += records + 400
            with psycopg.connect(plain_database) as db:
                ((left,),) = db.execute("SELECT %s - sum(next_offset)::int8 FROM ledger", [sent]).fetchall()
            found.append((alone, beside))
            print(
                f"ms alone: p99 {alone[0] * 1000:.0f}, median {alone[1] * 1000:.0f}; beside a backlog: "
                f"p99 {beside[0] * 1000:.0f}, median {beside[1] * 1000:.0f}; about {left} of {records} still to be stored"
            )
        assert worker.popen.poll() is None
        wait_for_ledger(plain_database, sent, 120 + records / 2000, at_least=True)
        wait_for(plain_database, "SELECT count(*) FROM event", lambda n: n == TURNS * (records + 400))
    assert statistics.median(beside[0] / alone[0] for alone, beside in found) < 2
