"""A worker that hangs is ended and another takes over; one that cannot work is let be."""

from __future__ import annotations

import time

import psycopg
import pytest

from deploy.stack.kafka import Kafka
from deploy.stack.postgres import Postgres
from devices.wire.event import Battery, Heartbeat
from streams.worker.watchdog import EXIT_STUCK
from tests.fix_worker import StartWorker
from tests.streams.producing import World, now_ms, produce
from tests.streams.worker.test_faults import Stream
from tests.streams.worker.worker_process import wait_for_ledger

pytestmark = [pytest.mark.stack, pytest.mark.partitions(4)]
LIMIT_S = 6
"""In which a worker has to start and take its partitions, however busy this machine is."""


@pytest.mark.parametrize(("how", "status"), [("asleep", EXIT_STUCK), pytest.param("lock held", 1, marks=pytest.mark.full)])
def test_a_worker_that_hangs_ends_and_another_goes_on(
    start_worker: StartWorker, world: World, kafka: Kafka, topic: str, plain_database: str, how: str, status: int
) -> None:
    sent = len(produce(kafka.client(), topic, world.admission()))
    with start_worker(plain_database, TEST_HANG=how, watchdog_s=LIMIT_S, session_s=30) as worker:
        wait_for_ledger(plain_database, sent)
        produce(kafka.client(), topic, [world.event(1, Battery(now_ms(), 50), device=1001)])
        end = time.monotonic() + 30
        while worker.popen.poll() is None and time.monotonic() < end:
            produce(kafka.client(), topic, [world.event(p, Heartbeat(now_ms())) for p in world.patients])
            sent += 4
            time.sleep(0.2)
        assert worker.popen.poll() == status
        log = worker.log.read_text()
        assert ("does not move though it could" in log) == (status == EXIT_STUCK)
        assert "worker_process.py" in log  # where it hangs
    with start_worker(plain_database, group=f"{topic}-next"):
        wait_for_ledger(plain_database, sent + 1)


@pytest.mark.parametrize(
    ("what", "limit", "away"),
    [
        ("database", LIMIT_S, 10),
        pytest.param("read-only", LIMIT_S, 10, marks=pytest.mark.full),
        pytest.param("broker", 10, 20, marks=pytest.mark.full),  # once they are back, a worker needs some seconds to join
    ],
)
def test_a_worker_that_cannot_work_is_let_be(
    start_worker: StartWorker,
    world: World,
    kafka: Kafka,
    topic: str,
    plain_database: str,
    postgres: Postgres,
    what: str,
    limit: float,
    away: int,
) -> None:
    def switch(read_only: str) -> None:
        with psycopg.connect(postgres.url, autocommit=True) as db:
            db.execute(f"ALTER SYSTEM SET default_transaction_read_only = {read_only}")
            db.execute("SELECT pg_reload_conf()")

    with Stream(world, kafka.client(), topic, pause=0.1) as stream, start_worker(plain_database, watchdog_s=limit) as worker:
        wait_for_ledger(plain_database, stream.sent + 40, at_least=True)
        if what == "database":
            postgres.kill()
            time.sleep(away)
            postgres.start()
        elif what == "read-only":
            switch("on")
            time.sleep(away)
            switch("off")
        else:
            kafka.kill()
            time.sleep(away)
            kafka.spawn()
            kafka.wait()
        wait_for_ledger(plain_database, stream.sent + 40, at_least=True)
        stream.stop()
        wait_for_ledger(plain_database, stream.sent)
        assert worker.popen.poll() is None
