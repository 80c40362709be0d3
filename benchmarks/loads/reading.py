"""The log read with a bare client, for measurements of a part alone and for preparing a database."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import numpy as np
from confluent_kafka import Consumer, TopicPartition

from benchmarks.errors import BenchmarkError
from devices.wire.batch import PARTITIONS
from streams.engine.opening.block import Block

_EMPTY_S: Final = 20.0


def ends(bootstrap: str, topic: str, partitions: int = PARTITIONS) -> list[int]:
    """The offset after the last record of each partition."""
    with consumer(bootstrap) as reader:
        return [reader.get_watermark_offsets(TopicPartition(topic, p), timeout=10)[1] for p in range(partitions)]


def read(bootstrap: str, topic: str, starts: Sequence[int], until: Sequence[int]) -> list[Block]:
    """One block a partition: its records from ``starts`` up to ``until``; partitions without any are left out."""
    values: list[list[bytes]] = [[] for _ in range(PARTITIONS)]
    appended: list[list[int]] = [[] for _ in range(PARTITIONS)]
    with consumer(bootstrap) as reader:
        reader.assign([TopicPartition(topic, p, starts[p]) for p in range(PARTITIONS) if until[p] > starts[p]])
        todo = sum(until) - sum(starts)
        last = time.monotonic()
        while todo > 0:
            messages = reader.consume(5000, 0.1)
            last = time.monotonic() if messages else last
            if time.monotonic() - last > _EMPTY_S:
                raise BenchmarkError(f"Kafka did not give the last {todo} records of the log.")
            for message in messages:
                partition = message.partition()
                if message.offset() < until[partition]:
                    values[partition].append(message.value())
                    appended[partition].append(message.timestamp()[1])
                    todo -= 1
    return [
        Block(p, starts[p], until[p], np.array(appended[p], np.int64), values[p]) for p in range(PARTITIONS) if values[p]
    ]


def cut(blocks: Sequence[Block], pieces: int) -> list[list[Block]]:
    """``pieces`` rounds of about equal length, each with its share of every partition."""
    rounds: list[list[Block]] = [[] for _ in range(pieces)]
    for block in blocks:
        rest: Block | None = block
        for n, some in enumerate(rounds, start=1):
            part, rest = rest.split(block.first + (block.next - block.first) * n // pieces) if rest else (None, None)
            if part is not None:
                some.append(part)
    return rounds


def place_group(bootstrap: str, group: str, topic: str, starts: Sequence[int]) -> None:
    """Have a consumer group begin at ``starts``."""
    with consumer(bootstrap, group) as reader:
        reader.commit(offsets=[TopicPartition(topic, p, at) for p, at in enumerate(starts)], asynchronous=False)


@contextmanager
def consumer(bootstrap: str, group: str = "bench-bare", **more: Any) -> Iterator[Consumer]:
    options = {"enable.auto.commit": False, "log_level": 2, "fetch.queue.backoff.ms": 2}
    reader = Consumer({"bootstrap.servers": bootstrap, "group.id": group, **options, **more})
    try:
        yield reader
    finally:
        reader.close()
