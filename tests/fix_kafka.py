"""Kafka for tests: one broker for the session, clusters for tests of faults, a fresh topic for each test."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.stack.kafka import Kafka
from deploy.stack.topics import Topic
from tests.fix_home import new_home

MakeTopic = Callable[..., str]


@pytest.fixture(scope="session")
def kafka(session_home: Path) -> Iterator[Kafka]:
    """One broker: `.bootstrap`, `.client()`, `.kill()`, `.spawn()`, `.wait()`, `.create(Topic)`."""
    with Kafka(session_home / "kafka") as broker:
        yield broker


@pytest.fixture
def make_kafka() -> Iterator[Callable[..., Kafka]]:
    """A factory of clusters for one test: `make_kafka(brokers=3)`, started and stopped for it."""
    clusters: list[Kafka] = []

    def make(brokers: int = 3, **options: object) -> Kafka:
        cluster = Kafka(new_home(), brokers=brokers, **options)  # type: ignore[arg-type]
        clusters.append(cluster)
        return cluster.start()

    yield make
    for cluster in clusters:
        cluster.stop()
        shutil.rmtree(cluster.home, ignore_errors=True)


@pytest.fixture
def make_topic(kafka: Kafka) -> Iterator[MakeTopic]:
    """A factory of topics: `make_topic(partitions=64, **{"flush.messages": "1"})` gives the name of a fresh one."""
    if not kafka.children[1].running:  # an earlier test left it killed
        kafka.spawn()
        kafka.wait()
    made: list[str] = []

    def make(partitions: int = 64, **options: str) -> str:
        name = f"t-{secrets.token_hex(6)}"
        kafka.create(Topic(name, partitions, {"message.timestamp.type": "LogAppendTime", **options}))
        made.append(name)
        return name

    yield make
    if made and kafka.children[1].running:
        kafka.delete(*made)


@pytest.fixture
def topic(make_topic: MakeTopic, request: pytest.FixtureRequest) -> str:
    """The name of a fresh topic with LogAppendTime: 64 partitions, or those of `@pytest.mark.partitions(n)`."""
    mark = request.node.get_closest_marker("partitions")
    return make_topic(mark.args[0] if mark else 64)
