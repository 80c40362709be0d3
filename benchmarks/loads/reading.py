"""The log read with a bare client, for measurements of a part alone and for preparing a database."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

import numpy as np
from confluent_kafka import Consumer, TopicPartition

from benchmarks.errors import BenchmarkError
from devices.wire.batch import PARTITIONS
from streams.engine.opening.block import Block

_EMPTY_S: Final = 20.0


def ends(bootstrap: str, topic: str) -> list[int]:
    """The offset after the last record of each partition."""
    consumer = _consumer(bootstrap)
    try:
        return [consumer.get_watermark_offsets(TopicPartition(topic, p), timeout=10)[1] for p in range(PARTITIONS)]
    finally:
        consumer.close()


def read(bootstrap: str, topic: str, starts: Sequence[int], until: Sequence[int]) -> list[Block]:
    """One block a partition: its records from ``starts`` up to ``until``; partitions without any are left out."""
    consumer = _consumer(bootstrap)
    values: list[list[bytes]] = [[] for _ in range(PARTITIONS)]
    appended: list[list[int]] = [[] for _ in range(PARTITIONS)]
    try:
        consumer.assign([TopicPartition(topic, p, starts[p]) for p in range(PARTITIONS) if until[p] > starts[p]])
        todo = sum(until) - sum(starts)
        last = time.monotonic()
        while todo > 0:
            messages = consumer.consume(5000, 0.1)
            last = time.monotonic() if messages else last
            if time.monotonic() - last > _EMPTY_S:
                raise BenchmarkError(f"Kafka did not give the last {todo} records of the log.")
            for message in messages:
                partition = message.partition()
                if message.offset() < until[partition]:
                    values[partition].append(message.value())
                    appended[partition].append(message.timestamp()[1])
                    todo -= 1
    finally:
        consumer.close()
    return [
        Block(p, starts[p], until[p], np.array(appended[p], np.int64), values[p]) for p in range(PARTITIONS) if values[p]
    ]


def cut(blocks: Sequence[Block], pieces: int) -> list[list[Block]]:
    """``pieces`` rounds of about equal length, each with its share of every partition."""
    rounds = []
    for n in range(pieces):
        parts = []
        for block in blocks:
            size = block.next - block.first
            _, rest = block.split(block.first + size * n // pieces)
            part = rest.split(block.first + size * (n + 1) // pieces)[0] if rest else None
            if part is not None:
                parts.append(part)
        rounds.append(parts)
    return rounds


def place_group(bootstrap: str, group: str, topic: str, starts: Sequence[int]) -> None:
    """Have a consumer group begin at ``starts``."""
    consumer = _consumer(bootstrap, group)
    try:
        consumer.commit(offsets=[TopicPartition(topic, p, at) for p, at in enumerate(starts)], asynchronous=False)
    finally:
        consumer.close()


def _consumer(bootstrap: str, group: str = "bench-bare") -> Consumer:
    options = {"enable.auto.commit": False, "log_level": 2, "fetch.queue.backoff.ms": 2}
    return Consumer({"bootstrap.servers": bootstrap, "group.id": group, **options})
