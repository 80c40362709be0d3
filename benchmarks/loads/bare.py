"""The bare figures of the latency row: the same messages through a broker to a bare consumer, and a bare commit."""

from __future__ import annotations

import time
from typing import Final

import psycopg
from confluent_kafka import TopicPartition

from benchmarks.loads.reading import consumer
from benchmarks.servers import Servers
from devices.wire.batch import PARTITIONS

COMMITS_A_S: Final = 20
"""About as often as the worker commits."""


def bare_arrivals(bootstrap: str, topic: str, count: int, limit_s: float) -> tuple[dict[tuple[int, int], int], list[str]]:
    """Read a fresh topic until ``count`` messages came or ``limit_s`` is over.

    (Partition, offset) -> ns at which the message was there, and what the consumer was told beside messages.
    """
    arrived: dict[tuple[int, int], int] = {}
    errors, end = [], time.monotonic() + limit_s
    # by default it goes on at the end, and passes over what it was to read
    options = {"fetch.wait.max.ms": 50, "auto.offset.reset": "error"}
    with consumer(bootstrap, f"{topic}-bare", **options) as reader:
        reader.assign([TopicPartition(topic, p, 0) for p in range(PARTITIONS)])
        while len(arrived) < count and time.monotonic() < end:
            for message in reader.consume(1000, 0.01):
                if message.error() is None:
                    arrived[message.partition(), message.offset()] = time.time_ns()
                else:
                    errors.append(str(message.error()))
    return arrived, errors


def bare_commits(servers: Servers, seconds: int) -> list[float]:
    """ms that a transaction of one small row takes, evenly spaced."""
    name, took = servers.database(), []
    with psycopg.connect(servers.url(name), autocommit=True) as db:
        db.execute("CREATE TABLE bare (value int8)")
        begin = time.monotonic()
        for n in range(COMMITS_A_S * seconds):
            time.sleep(max(0.0, begin + n / COMMITS_A_S - time.monotonic()))
            at = time.monotonic()
            with db.transaction():
                db.execute("INSERT INTO bare VALUES (1)")
            took.append(1000 * (time.monotonic() - at))
    servers.drop(name)
    return took
