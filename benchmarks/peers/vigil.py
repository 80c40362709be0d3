"""Vigil: a Faust agent on the block transport, as the worker uses it; a block is one partition's records of one fetch.

For the job "sample" each message is handled as the other Python contenders do; for "batch" the blocks of all partitions that
have some make a round for Vigil's engine (:mod:`benchmarks.peers.vigil_engine`), as in the worker.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from benchmarks.errors import BenchmarkError
from benchmarks.peers.job import PARTITIONS
from benchmarks.peers.notes import Orders
from benchmarks.peers.sample_job import SampleJob
from benchmarks.peers.stock_faust import faust_app, start, topic_of
from benchmarks.peers.vigil_engine import EngineJob
from streams.engine.opening.block import Block
from streams.kafka.transport import NAME, register
from streams.worker.allocator import keep_memory

WAIT_S: Final = 0.05
"""Seconds that a round waits for more partitions, as in the worker."""
_BLOCKS: Final = 2
"""The number of blocks of one partition that may wait."""


class Messages(SampleJob):
    """The job "sample", a block at a time."""

    def round(self, blocks: list[Block]) -> None:
        for block in blocks:
            for value in block.values:
                self.take(value, 0)


class Reading:
    """Reads all partitions from their beginning, each a few blocks ahead: a :class:`streams.kafka.transport.Reader`."""

    fetch_wait_ms = 20

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.next: dict[int, int] = dict.fromkeys(range(PARTITIONS), 0)
        self.waiting: dict[int, list[Block]] = {partition: [] for partition in self.next}

    def positions(self, partitions: Collection[int]) -> Mapping[int, int]:
        return {partition: self.next[partition] for partition in partitions}

    def has_room(self, partition: int) -> bool:
        return len(self.waiting[partition]) < _BLOCKS

    def lost_place(self, partition: int) -> None:
        raise BenchmarkError(f"The log of partition {partition} is not whole.")

    def receive(self, fetch: Iterable[Block]) -> None:
        for block in fetch:
            self.waiting[block.partition].append(block)
            self.next[block.partition] = block.next

    def take(self) -> list[Block]:
        """The next block of each partition that has one."""
        return [blocks.pop(0) for blocks in self.waiting.values() if blocks]


def main() -> None:
    orders = Orders(Messages, EngineJob)
    job, reading, codec = orders.job, Reading(orders.topic), register()
    keep_memory()
    app = faust_app(
        orders.group, orders.kafka, orders.folder, NAME, broker_commit_interval=1.0, broker_max_poll_records=20_000,
        consumer_max_fetch_size=1 << 20, stream_wait_empty=False,
    )  # fmt: skip
    app.reader = reading
    topic = topic_of(app, reading.topic, None, codec)
    arrived = asyncio.Event()

    @app.agent(topic, concurrency=1)  # type: ignore[untyped-decorator]
    async def receive(stream: Any) -> None:
        async for event in stream.noack().events():
            if not arrived.is_set():
                arrived.set()
            reading.receive(event.value)
            event.ack()

    @app.task  # type: ignore[untyped-decorator]
    async def rounds() -> None:
        begun = False
        while True:
            await arrived.wait()
            if not begun:
                begun = True
                orders.done(0)
            for _ in range(5):
                if all(reading.waiting.values()):
                    break
                await asyncio.sleep(WAIT_S / 5)
            arrived.clear()
            blocks = reading.take()
            if blocks:
                job.round(blocks)
                orders.done(sum(block.next - block.first for block in blocks))
            if any(reading.waiting.values()):
                arrived.set()
            await asyncio.sleep(0)

    start(app)


if __name__ == "__main__":
    main()
