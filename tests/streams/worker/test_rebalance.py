"""Workers, brokers and databases that go away: every partition moves again soon, nothing is lost or doubled, one alarm."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psycopg
import pytest
from _pytest.mark import ParameterSet

from deploy.stack.kafka import Kafka
from deploy.stack.postgres import Postgres
from deploy.stack.topics import Topic
from tests.streams.producing import World
from tests.streams.worker.fleet import Fleet, Load, Start, standstill
from tests.streams.worker.worker_process import WorkerProcess, wait_for_ledger

pytestmark = [pytest.mark.stack, pytest.mark.partitions(4)]
PLANNED = {"join": 5.0, "leave": 5.0}
LIMIT_S = 10.0
REMOVES = {"leave", "kill"}


@pytest.fixture
def start(watched: str, world: World, kafka: Kafka, topic: str, home: Path) -> Start:
    key = world.write_master(home)
    return lambda: WorkerProcess(watched, kafka.bootstrap, topic, key, TEST_RULES="alarms")


def check(seen: Sequence[tuple[str, float]]) -> None:
    print(", ".join(f"{what} {seconds:.1f} s" for what, seconds in seen))
    for what, seconds in seen:
        assert seconds <= PLANNED.get(what, LIMIT_S), what


def full(*values: float, timeout: float = 900) -> ParameterSet:
    return pytest.param(*values, marks=[pytest.mark.full, pytest.mark.timeout(timeout)])


@pytest.mark.parametrize(
    ("seed", "count", "stopped_s"), [(1, 4, 0), *(full(seed, 12, 9) for seed in range(2, 8)), full(8, 6, 60)]
)
def test_workers_that_come_and_go_leave_no_partition_standing(
    start: Start, world: World, kafka: Kafka, topic: str, watched: str, seed: int, count: int, stopped_s: float
) -> None:
    rng = random.Random(seed)
    seen: list[tuple[str, float]] = []
    with Load(world, kafka.client(), topic, range(4)) as load, Fleet(start, watched, rng, stopped_s) as fleet:
        wait_for_ledger(watched, load.sent + 40, at_least=True)
        actions = ["join", "leave", "join", "kill"] if not stopped_s else []
        while len(seen) < count:
            able = {"join"} | (REMOVES | {"hang"} if len(fleet.workers) > 1 else set())
            able -= {"join"} if len(fleet.workers) == 4 else set()
            action = actions[len(seen)] if actions else rng.choice(sorted(able))
            seen.append(fleet.do(action))
        load.check(watched)
        assert all(worker.popen.poll() is None for worker in fleet.workers)
    check(seen)


def read_only(postgres: Postgres, on: str) -> None:
    with psycopg.connect(postgres.url, autocommit=True) as db:
        db.execute(f"ALTER SYSTEM SET default_transaction_read_only = {on}")
        db.execute("SELECT pg_reload_conf()")


@pytest.mark.parametrize("seconds", [2, full(30)])
def test_after_a_database_was_read_only_all_partitions_move_again(
    start: Start, world: World, kafka: Kafka, topic: str, watched: str, postgres: Postgres, seconds: float
) -> None:
    with Load(world, kafka.client(), topic, range(4)) as load, Fleet(start, watched, random.Random(0)) as fleet:
        wait_for_ledger(watched, load.sent + 40, at_least=True)
        try:
            read_only(postgres, "on")
            time.sleep(seconds)
        finally:
            read_only(postgres, "off")
        back = time.time()
        stood = standstill(watched, back) - seconds
        load.check(watched)
        assert fleet.workers[0].popen.poll() is None
    check([("read-only", stood)])


@pytest.mark.parametrize("workers", [1, full(3)])
def test_with_one_of_three_brokers_killed_all_partitions_move_again(
    make_kafka: Callable[..., Kafka], watched: str, world: World, home: Path, workers: int
) -> None:
    cluster = make_kafka(brokers=3)
    cluster.create(Topic("three", 4, {"message.timestamp.type": "LogAppendTime", "min.insync.replicas": "2"}))
    key = world.write_master(home)
    start = lambda: WorkerProcess(watched, cluster.bootstrap, "three", key, TEST_RULES="alarms")
    with Load(world, cluster.client(), "three", range(4)) as load, Fleet(start, watched, random.Random(0)) as fleet:
        wait_for_ledger(watched, load.sent + 40, at_least=True)
        for _ in range(workers - 1):
            fleet.join()
        begin = time.time()
        cluster.kill(2)
        time.sleep(1)
        stood = standstill(watched, begin)
        begin = time.time()
        cluster.spawn(2)
        cluster.wait()
        again = standstill(watched, begin)
        load.check(watched)
        assert all(worker.popen.poll() is None for worker in fleet.workers)
    check([("one of three brokers killed", stood), ("and started again", again)])
