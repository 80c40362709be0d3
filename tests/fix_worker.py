"""Workers of the stream processor as processes, on a test's own topic and database."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.schema.migrate import migrate
from deploy.stack.kafka import Kafka
from tests.streams.producing import World
from tests.streams.worker_process import WorkerProcess

StartWorker = Callable[..., WorkerProcess]


@pytest.fixture
def world() -> World:
    """Patients 1, 2, 3 and 65 with keys, a gateway and a device each."""
    return World([1, 2, 3, 65])


@pytest.fixture
def start_worker(world: World, kafka: Kafka, topic: str, home: Path) -> StartWorker:
    """`start_worker(database, **options)`: on this test's topic; the database is migrated and seeded the first time."""
    key = world.write_master(home)
    ready = set()

    def start(database: str, **options: object) -> WorkerProcess:
        if database not in ready:
            migrate(database)
            world.seed(database)
            ready.add(database)
        return WorkerProcess(database, kafka.bootstrap, topic, key, **options)

    return start
