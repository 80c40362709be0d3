"""The log: partitions that take records in the order in which they arrive, each with the brokers' own time, and producers
whose requests and answers take their time, or get lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from devices.wire.batch import parse_header
from gateway.uplink.batching import Batch
from streams.engine.opening.block import Block
from tests.simulation.loop import ProcessLoop
from tests.simulation.scheduler import Scheduler

TIMED_OUT: Final = 4.0
"""s: a producer gives up on a record so long after it was sent."""


@dataclass(slots=True)
class Partition:
    appended: list[int] = field(default_factory=list)
    values: list[bytes] = field(default_factory=list)


class Log:
    """``skew``: by how many ms the brokers' clock is off.  ``down``: no record is taken.  ``trouble``: how likely a request
    or an answer gets lost.
    """

    def __init__(self, scheduler: Scheduler, partitions: list[int]) -> None:
        self.scheduler = scheduler
        self.partitions = {p: Partition() for p in partitions}
        self.topic_id = "topic 1"
        self.former: dict[str, dict[int, Partition]] = {}
        """The topics of this name that were deleted, by their ids: none in most seeds."""
        self.skew, self.down, self.trouble = 0, False, 0.0
        self.batches: dict[bytes, Batch] = {}
        """What each gateway ever sealed, by record."""
        self._rng = scheduler.chance("log")

    def append(self, partition: int, value: bytes) -> None:
        one = self.partitions[partition]
        one.appended.append(self.scheduler.ms + self.skew)
        one.values.append(value)

    def make_again(self) -> None:
        """Somebody deletes the topic, and makes another of the same name."""
        self.former[self.topic_id] = self.partitions
        self.partitions = {p: Partition() for p in self.partitions}
        self.topic_id = f"topic {len(self.former) + 1}"

    def end(self, partition: int) -> int:
        return len(self.partitions[partition].values)

    def block(self, partition: int, first: int, most: int) -> Block | None:
        """Up to ``most`` records from offset ``first`` on; from the beginning where the log does not reach so far, as a
        consumer that is told so begins anew.
        """
        one = self.partitions[partition]
        first = first if first <= len(one.values) else 0
        following = min(len(one.values), first + most)
        if following <= first:
            return None
        appended = np.array(one.appended[first:following], np.int64)
        return Block(partition, first, following, appended, one.values[first:following])

    def sealed(self) -> Iterator[tuple[Batch, int]]:
        """Everything any gateway sealed, with the epoch in its header."""
        for value, batch in self.batches.items():
            yield batch, int(parse_header(value)["epoch"][0])

    def places(self) -> Iterator[tuple[str, int, int, Batch]]:
        """(topic id, partition, offset, batch) of what ever stood in the log as it was sealed."""
        for topic_id, partitions in (*self.former.items(), (self.topic_id, self.partitions)):
            for partition, one in partitions.items():
                for offset, value in enumerate(one.values):
                    if value in self.batches:
                        yield topic_id, partition, offset, self.batches[value]

    def latency(self) -> float:
        return self._rng.uniform(0.002, 0.05) if self._rng.random() > self.trouble else self._rng.uniform(0.1, 3.0)

    def send(self, partition: int, value: bytes, report: Callable[[str | None], None], sent: float) -> float:
        """Take one record that left its producer just now, or do not; ``report`` what the producer hears of it.  Returns how
        many s it took: a producer has one request under way.
        """
        wait = self.latency()
        if self.down or self._rng.random() < self.trouble * 0.3:
            if self.scheduler.seconds - sent > TIMED_OUT:
                report("_MSG_TIMED_OUT")
                return 0.0
            self.scheduler.after(0.3, lambda: self.send(partition, value, report, sent))  # the client tries again
            return 0.3
        self.append(partition, value)
        if self._rng.random() < self.trouble * 0.2:
            self.scheduler.after(TIMED_OUT, lambda: report("_MSG_TIMED_OUT"))  # it is there, and nobody hears of it
        else:
            self.scheduler.after(wait, lambda: report(None))
        return wait


class SimProducer:
    """Stands in for :class:`gateway.uplink.producer.Producer`: one request under way, records in order, each told once."""

    def __init__(self, loop: ProcessLoop, servers: str, on_report: Callable[[Batch, str | None], None]) -> None:
        self.servers = servers
        self.fatal: str | None = None
        self._log, self._loop, self._on_report = loop.scheduler.log, loop, on_report
        self._waiting: list[tuple[int, int, bytes, Batch, float]] = []
        self._open: dict[int, Batch] = {}
        self._number, self._busy = 0, False

    def send(self, topic: str, partition: int, key: bytes, value: bytes, batch: Batch) -> bool:
        self._number += 1
        self._open[self._number] = batch
        self._log.batches[value] = batch
        self._waiting.append((self._number, partition, value, batch, self._log.scheduler.seconds))
        if not self._busy:
            self._busy = True
            self._log.scheduler.after(self._log.latency(), self._next)
        return True

    async def close(self, wait: float) -> None:
        self._waiting.clear()
        for number in list(self._open):
            self._settle(number, "_CLOSED")

    def _next(self) -> None:
        if not self._waiting:
            self._busy = False
            return
        number, partition, value, _, sent = self._waiting.pop(0)  # also of a process that has just died: it was on its way
        self._log.send(partition, value, lambda error: self._answered(number, error), sent)

    def _answered(self, number: int, error: str | None) -> None:
        self._loop.call_soon_threadsafe(self._settle, number, error)
        self._next()

    def _settle(self, number: int, error: str | None) -> None:
        batch = self._open.pop(number, None)
        if batch is not None:
            self._on_report(batch, error)
