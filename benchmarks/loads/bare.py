"""The bare figures of the latency row: the same messages through a broker to a bare consumer, and a bare commit."""

from __future__ import annotations

import threading
import time
from typing import Final, Self

import psycopg
from confluent_kafka import Consumer, TopicPartition

from benchmarks.servers import Servers
from devices.wire.batch import PARTITIONS

COMMITS_A_S: Final = 20
"""About as often as the worker commits."""


class BareConsumer:
    """Reads a fresh topic in a thread; ``arrived``: (partition, offset) -> ns at which the message was there, ``errors``:
    what it was told beside messages.
    """

    def __init__(self, bootstrap: str, topic: str) -> None:
        options = {
            "enable.auto.commit": False, "log_level": 2, "fetch.queue.backoff.ms": 2, "fetch.wait.max.ms": 50,
            "auto.offset.reset": "error",  # by default it goes on at the end, and passes over what it was to read
        }  # fmt: skip
        self._consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": f"{topic}-bare", **options})
        self._consumer.assign([TopicPartition(topic, p, 0) for p in range(PARTITIONS)])
        self.arrived: dict[tuple[int, int], int] = {}
        self.errors: list[str] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        while not self._stop.is_set():
            for message in self._consumer.consume(1000, 0.01):
                if message.error() is None:
                    self.arrived[message.partition(), message.offset()] = time.time_ns()
                else:
                    self.errors.append(str(message.error()))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(10)
        self._consumer.close()


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
