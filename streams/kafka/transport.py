"""Faust transport that reads where the ledger says and hands over a fetch as blocks, one event for all of them.

It overrides what Faust and aiokafka leave no other way to (:data:`PINNED`, checked when it is registered):

- Faust positions its stream partitions only in ``Consumer.perform_seek``: after each rebalance, and again when a fetch
  returns while flow is stopped.  A seek in ``on_partitions_assigned`` is undone by it.
- Faust's own path costs two asyncio tasks a message, about 80 µs; a fetch costs them once (:mod:`streams.kafka.fetched`).
- Faust acknowledges a message at a time; here :meth:`Consumer.stored` names offsets.
- ``fetch_max_wait_ms`` is fixed at 1500.
- aiokafka gives up a new membership at a late answer about the old one (:mod:`streams.kafka.membership`).
- aiokafka lets asyncio stop and start the socket again after each 128 KB of an answer of megabytes.
- aiokafka follows no leader epochs (:mod:`streams.kafka.batches`).
- aiokafka unpacks a batch however large it becomes (:mod:`streams.kafka.decompression`).

Positions come from the :class:`Reader`, which answers from memory: a partition that nobody has taken from the ledger yet
is not read at all, so a database that is away never holds up a rebalance.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from importlib.metadata import version
from typing import Any, Final, Protocol

import faust
from aiokafka import conn
from aiokafka.errors import ConsumerStoppedError
from faust.transport import drivers
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from faust.types.tuples import ConsumerMessage

from streams.engine.opening.block import Block
from streams.errors import UnknownVersionError
from streams.kafka import decompression
from streams.kafka.batches import keep_leader_epochs
from streams.kafka.fetched import Blocks, fetched
from streams.kafka.membership import keep_membership

PINNED: Final = {"faust-streaming": "0.15.3", "aiokafka": "0.14.0"}
"""The versions in which the overridden code was read and tested."""
NAME: Final = "ledger"
RECORDS_A_BLOCK: Final = 4096
"""A partition with a long backlog must not delay the others' turn."""
FETCH_BYTES: Final = 1 << 18
"""With so much, or after ``fetch_wait_ms``, the broker answers: a fetch of 64 partitions costs a ms here, however little it
brings, and with "as soon as there is a byte" there would be hundreds a second.
"""
_ANSWER_BYTES: Final = 1 << 26
"""More than an answer to a fetch has: asyncio reads it without stopping, in three quarters of the time."""
_IDLE_S: Final = 0.02
_FETCH_S: Final = 0.1
_SEEK_S: Final = 10.0


class Reader(Protocol):
    """The reader of the log: knows where each partition goes on, and when it is full.  Set as ``app.reader``."""

    topic: str
    fetch_wait_ms: int

    def positions(self, partitions: Collection[int]) -> Mapping[int, int]:
        """Next offset to deliver; a partition that is not named is not read."""
        ...

    def has_room(self, partition: int) -> bool:
        """True if another block of it may be delivered now."""
        ...

    def lost_place(self, partition: int) -> None:
        """The log does not go on at the position: it has to be taken anew, and compared with the log."""
        ...

    def led_anew(self, partition: int) -> bool:
        """Another leader appended what comes next.  True: nothing is to be delivered before the reader seeks, because it
        looks first whether the log holds what it has read.
        """
        ...


class ConsumerThread(driver.AIOKafkaConsumerThread):  # type: ignore[misc]
    """Fetches without waiting 1.5 s for company, and without an object a record."""

    def _create_worker_consumer(self, transport: Any) -> Any:
        conn.READER_LIMIT = _ANSWER_BYTES
        decompression.bound()
        keep_leader_epochs()
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = self.app.reader.fetch_wait_ms
        consumer._fetch_min_bytes = FETCH_BYTES
        return consumer

    async def on_start(self) -> None:
        await super().on_start()
        keep_membership(self._consumer._coordinator)

    async def _fetch_records(
        self, consumer: Any, active_partitions: set[TP], timeout: float | None = None, max_records: int | None = None
    ) -> Blocks:
        if not self.consumer.flow_active:
            return {}
        fetcher = consumer._fetcher
        # else what is not taken of a partition with a backlog keeps the broker from being asked for all others
        fetcher._prefetch_backoff = 0.0
        if consumer._closed or fetcher._closed:
            raise ConsumerStoppedError
        with fetcher._subscriptions.fetch_context():
            return await fetched(fetcher, active_partitions, timeout or 0.0, max_records or RECORDS_A_BLOCK)


class Consumer(driver.Consumer):  # type: ignore[misc]
    """Delivers blocks, without gaps, from where the reader stands."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._next: dict[TP, int] = {}
        self._went_back: dict[TP, int] = {}
        self._leader_epoch: dict[TP, int] = {}

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def perform_seek(self) -> None:
        """After a rebalance: go on where the reader stands; what it has not taken yet waits for :meth:`position`."""
        self._next.clear()
        await self.position(self.app.reader.positions([tp.partition for tp in self.assignment()]))

    async def position(self, offsets: Mapping[int, int]) -> None:
        """Deliver from ``offsets`` (partition -> offset) on; partitions no longer assigned are passed over."""
        seeks = {tp: offsets[tp.partition] for tp in self.assignment() if tp.partition in offsets}
        if not seeks:
            return
        await asyncio.wait_for(self._thread.seek_wait(seeks), _SEEK_S)
        for tp, offset in seeks.items():
            self._next[tp] = offset
            # else ack() drops what is below the group's offset
            self._read_offset[tp] = self._committed_offset[tp] = offset or None
            self._acked[tp].clear()
            self._acked_index[tp].clear()

    async def _drain_messages(self, fetcher: Any) -> None:
        stopped, fetcher_stopped = self._stopped.is_set, fetcher._stopped.is_set
        try:
            while not (stopped() or fetcher_stopped()):
                if not self.flow_active:
                    await self.wait(self.can_resume_flow)
                    continue
                await self._fetch_once()
        except self.consumer_stopped_errors:
            if not self.transport.app.should_stop:
                raise

    async def _fetch_once(self) -> None:
        reader, active = self.app.reader, self._get_active_partitions() | self._buffered_partitions
        ready = {tp for tp in active if tp in self._next and reader.has_room(tp.partition)}
        if not ready:
            await asyncio.sleep(_IDLE_S)
            return
        found: Blocks = await self._thread.getmany(ready, _FETCH_S)
        # A fetch may outlast a rebalance: what it brings is right where it fits the position, whatever the generation, and
        # passing it over would leave a hole that shows only when more arrives.
        if found and not self.flow_active:
            await self.perform_seek()
            return
        blocks: list[Block] = []
        gaps: list[TP] = []
        for tp, some in (found or {}).items():
            fitting = self._fitting(tp, some)
            blocks += fitting
            if tp in self._next and len(fitting) < len(some):
                gaps.append(tp)
        if blocks:
            await self._deliver(blocks)
        for tp in gaps:
            if (expected := self._next.get(tp)) is not None:
                await self._go_back(tp, expected)
        await asyncio.sleep(0)

    def _fitting(self, tp: TP, blocks: Sequence[Block]) -> list[Block]:
        """The blocks that go on where the partition stands; it moves on with them, never over a gap."""
        fitting = []
        for block in blocks:
            if self._next.get(tp) != block.first:
                break
            before, self._leader_epoch[tp] = self._leader_epoch.get(tp), block.leader_epoch
            if before not in {None, block.leader_epoch} and self.app.reader.led_anew(tp.partition):
                del self._next[tp]
                break
            self._next[tp] = block.next
            fitting.append(block)
        return fitting

    async def _go_back(self, tp: TP, expected: int) -> None:
        """Another offset came than the next one: read again; the second time the log itself is not whole."""
        if self._went_back.get(tp) == expected:
            del self._next[tp], self._went_back[tp]
            self.app.reader.lost_place(tp.partition)
        else:
            self._went_back[tp] = expected
            await self.position({tp.partition: expected})

    async def _deliver(self, blocks: Sequence[Block]) -> None:
        """One event for all of them.  Faust sees its first partition; it never acknowledges anything by it."""
        topic, generation = self.app.reader.topic, self.app.consumer_generation_id
        parts = [part for block in blocks for part in block.parts(RECORDS_A_BLOCK)]
        at = TP(topic, parts[0].partition)
        message = ConsumerMessage(
            topic, at.partition, parts[0].next - 1, int(parts[0].appended[-1]) / 1000, 1, (), None, tuple(parts), None,
            0, 0, at, generation_id=generation,
        )  # fmt: skip
        await self.wait_first(self.callback(message), self.suspend_flow.wait())
        for block in blocks:
            self._read_offset[TP(topic, block.partition)] = block.next - 1

    def end(self, partition: int) -> int:
        """The partition's next offset, as the last fetch reported it; 0 before that."""
        return self.highwater(TP(self.app.reader.topic, partition)) or 0

    def ack(self, message: Any) -> bool:
        """Note that an event is done; :meth:`stored` says which offsets are."""
        message.acked = True
        self._unacked_messages.discard(message)
        return True

    def stored(self, offsets: Mapping[int, int]) -> None:
        """Note what is stored (partition -> next offset): committed to the group within a second, for display."""
        for partition, offset in offsets.items():
            self._acked[TP(self.app.reader.topic, partition)] = [offset - 1]
        self._n_acked += len(offsets)

    def _new_offset(self, tp: TP) -> int | None:
        acked = self._acked[tp]
        if not acked:
            return None
        newest = int(max(acked))
        acked.clear()
        self._acked_index[tp].clear()
        return newest + 1


class Transport(driver.Transport):  # type: ignore[misc]
    """``ledger://`` addresses."""

    Consumer = Consumer


class _AsItIs(faust.Codec):  # type: ignore[misc]
    """Blocks and raw records pass through Faust's serializers untouched."""

    def _loads(self, s: Any) -> Any:
        return s

    def _dumps(self, obj: Any) -> Any:
        return obj


def register() -> str:
    """Make Faust know ``ledger://`` and the codec; the codec's name.

    Raises:
        UnknownVersionError: another Faust or aiokafka is installed than this module overrides.
    """
    for package, pinned in PINNED.items():
        if (found := version(package)) != pinned:
            raise UnknownVersionError(package, found, pinned)
    drivers.TRANSPORTS.aliases[NAME] = f"{__name__}:Transport"
    faust.serializers.codecs.register("as_it_is", _AsItIs())
    return "as_it_is"
