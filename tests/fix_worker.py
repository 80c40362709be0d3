"""Workers of the stream processor as processes, on a test's own topic and database."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from deploy.schema.migrate import migrate
from deploy.stack.kafka import Kafka
from tests.streams.producing import World
from tests.streams.worker.fleet import ATTEMPTS
from tests.streams.worker.worker_process import WorkerProcess

Prepare = Callable[[str], None]
StartWorker = Callable[..., WorkerProcess]


@pytest.fixture
def world() -> World:
    """Patients 1, 2, 3 and 65 with keys, a gateway and a device each."""
    return World([1, 2, 3, 65])


@pytest.fixture
def prepare(world: World) -> Prepare:
    """`prepare(database)`: migrated and seeded, the first time."""
    ready: set[str] = set()

    def prepared(database: str) -> None:
        if database not in ready:
            migrate(database)
            world.seed(database)
            ready.add(database)

    return prepared


@pytest.fixture
def watched(prepare: Prepare, plain_database: str) -> str:
    """The URL of a prepared database in which every attempt to store an event is noted."""
    prepare(plain_database)
    with psycopg.connect(plain_database, autocommit=True) as db:
        db.execute(ATTEMPTS)
    return plain_database


@pytest.fixture
def start_worker(world: World, kafka: Kafka, topic: str, home: Path, prepare: Prepare) -> StartWorker:
    """`start_worker(database, **options)`: on this test's topic, and a database that is prepared."""
    key = world.write_master(home)

    def start(database: str, **options: object) -> WorkerProcess:
        prepare(database)
        return WorkerProcess(database, kafka.bootstrap, topic, key, **options)

    return start
