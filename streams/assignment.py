"""Which partitions this worker stores, from the group's assignment to the first round: taken from the ledger, restored,
read.  Lives in Faust's event loop; also what the transport asks (:class:`streams.transport.Reader`).
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeVar

import numpy as np
import psycopg
import structlog
from aiokafka.errors import KafkaError
from confluent_kafka import KafkaException
from faust.types import TP

from streams import ledger, metrics
from streams.block import Block
from streams.condition import Condition, Priority
from streams.ledger import Held, Move
from streams.recovery import Extent, damage
from streams.rounds import Rounds
from streams.settings import WorkerSettings
from streams.store.store import FoldConditions
from streams.topic import topic_id

BLOCKS_WAITING: Final = 2
"""A partition's blocks read and not yet in a round."""
SNAPSHOTS_A_ROUND: Final = 4
RETAKE_S: Final = 3.0
"""Who lost a partition waits so long, and takes it again only if the group still says it is his."""
STALLED_S: Final = 10.0
"""So long may a partition that has more to read bring nothing."""
_LOOK_UP_S: Final = 10.0
_TRY_AGAIN_S: Final = 0.5
_T = TypeVar("_T")

_log = structlog.get_logger(__name__)


class Host(Protocol):
    """The worker around it."""

    settings: WorkerSettings
    rounds: Rounds
    fold: FoldConditions
    topic_id: str
    app: Any

    def in_engine(self, work: Callable[[], _T]) -> Awaitable[_T]: ...

    def in_database(self, work: Callable[[psycopg.Connection], _T]) -> Awaitable[_T]: ...

    def spawn(self, work: Coroutine[Any, Any, None]) -> None: ...


@dataclass(frozen=True, slots=True)
class Item:
    """A block that waits, wholly known (stored already) or wholly fresh; ``event`` is acknowledged with it."""

    block: Block
    known: bool
    size: int
    event: Any = None


@dataclass(slots=True)
class Owned:
    """A partition this worker stores: what is read below ``fresh_from`` is folded, not written; ``received`` is the next
    offset to come.
    """

    epoch: int
    fresh_from: int
    received: int
    snapshot_due: float
    heard: float
    seeking: bool = False
    waiting: list[Item] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Batch:
    """What one round takes; ``save``: the partitions whose state is to be saved with it."""

    items: list[Item]
    epochs: dict[int, int]
    save: frozenset[int]

    @property
    def blocks(self) -> list[Block]:
        return [item.block for item in self.items]


class Assignment:
    """See the module."""

    def __init__(self, host: Host) -> None:
        self._host, self._settings = host, host.settings
        self.fetch_wait_ms = host.settings.fetch_wait_ms
        self.arrived = asyncio.Event()
        self.assigned: frozenset[int] = frozenset()
        self._owned: dict[int, Owned] = {}
        self._taking: set[int] = set()
        self._bytes = 0

    def positions(self, partitions: Collection[int]) -> Mapping[int, int]:
        return {p: self._owned[p].received for p in partitions if p in self._owned}

    def has_room(self, partition: int) -> bool:
        owned = self._owned.get(partition)
        return owned is not None and len(owned.waiting) < BLOCKS_WAITING and not self.full

    @property
    def full(self) -> bool:
        """Whether as much waits as may."""
        return self._bytes >= self._settings.waiting_mb << 20

    def lost_place(self, partition: int) -> None:
        _log.warning("the log does not go on where it was read last", partition=partition)
        self._forget([partition])
        self._host.spawn(self._take({partition}))

    def epochs(self) -> dict[int, int]:
        """The right by which each partition is stored; asked from another thread."""
        return {partition: owned.epoch for partition, owned in self._owned.copy().items()}

    def assign(self, assigned: frozenset[int]) -> None:
        """The group's word, after each rebalance.  What was kept keeps its epoch and state."""
        self.assigned = assigned
        self._forget([p for p in self._owned if p not in assigned])
        if new := assigned - self._owned.keys() - self._taking:
            self._host.spawn(self._take(set(new)))

    def receive(self, event: Any) -> None:
        """A block (or, of the stock transport, a record) arrived."""
        block = event.value
        if not isinstance(block, Block):
            message = event.message
            appended = np.array([round(message.timestamp * 1000)], np.int64)
            block = Block(message.partition, message.offset, message.offset + 1, appended, [block or b""])
        owned = self._owned.get(block.partition)
        if owned is None:
            return
        if block.first > owned.received:  # a rebalance emptied Faust's queue
            if not owned.seeking:
                owned.seeking = True
                self._host.spawn(self._position(block.partition))
            return
        owned.seeking = False
        owned.heard = time.monotonic()
        _, rest = block.split(owned.received)
        if rest is None:
            return
        owned.received = rest.next
        before, after = rest.split(owned.fresh_from)
        if before is not None:
            self._wait(owned, Item(before, True, before.size, None if after else event))
        if after is not None:
            self._wait(owned, Item(after, False, after.size, event))
        self.arrived.set()

    def collect(self, *, known: bool) -> Batch:
        """Take what waits of one kind, at most about a round's worth; who is served comes last the next time."""
        items: list[Item] = []
        epochs: dict[int, int] = {}
        save: set[int] = set()
        room, now = self._settings.round_records, time.monotonic()
        for partition, owned in list(self._owned.items()):
            if room <= 0:
                break
            n = 0
            while n < len(owned.waiting) and owned.waiting[n].known == known and room > 0:
                room -= len(owned.waiting[n].block.values)
                n += 1
            if n:
                items += owned.waiting[:n]
                del owned.waiting[:n]
                self._owned[partition] = self._owned.pop(partition)
                epochs[partition] = owned.epoch
                if now >= owned.snapshot_due and len(save) < SNAPSHOTS_A_ROUND:
                    save.add(partition)
                    owned.snapshot_due = now + self._settings.snapshot_s
        if not any(owned.waiting for owned in self._owned.values()):
            self.arrived.clear()
        return Batch(items, epochs, frozenset(save))

    def lost(self, moves: Sequence[Move], lost: Collection[int]) -> None:
        """A round was committed, but nothing of the partitions ``lost``: somebody else has taken them."""
        gone = {
            m.partition
            for m in moves
            if m.partition in lost and m.partition in self._owned and self._owned[m.partition].epoch == m.epoch
        }
        if gone:
            _log.warning("partitions were taken by another worker", partitions=sorted(gone))
            self._forget(gone)
            self._host.spawn(self._take(gone, after=RETAKE_S))

    def watch(self) -> None:
        """Seek again where there is more to read and nothing comes: consumers are known to stall without a word."""
        now = time.monotonic()
        for partition, owned in self._owned.items():
            if owned.waiting or self.full or now - owned.heard < STALLED_S:
                continue
            owned.heard = now
            if (self._host.app.consumer.highwater(TP(self._settings.topic, partition)) or 0) > owned.received:
                _log.warning("nothing comes though there is more: seeking again", partition=partition)
                self._host.spawn(self._position(partition))

    def release(self, items: Iterable[Item]) -> None:
        """Acknowledge what is stored, and make room."""
        for item in items:
            self._count(-item.size)
            if item.event is not None:
                item.event.ack()

    def _wait(self, owned: Owned, item: Item) -> None:
        owned.waiting.append(item)
        self._count(item.size)

    def _count(self, size: int) -> None:
        self._bytes += size
        metrics.WAITING.set(self._bytes)

    def _forget(self, partitions: Iterable[int]) -> None:
        for partition in list(partitions):
            owned = self._owned.pop(partition, None)
            if owned is None:
                continue
            for item in owned.waiting:
                self._count(-item.size)
            dropped = self._host.in_engine(lambda partition=partition: self._host.rounds.drop(partition))  # type: ignore[misc]
            self._host.spawn(_until(dropped))
        metrics.OWNED.set(len(self._owned))

    async def _take(self, partitions: set[int], after: float = 0.0) -> None:
        """Take them from the ledger, restore their state, and read on."""
        await asyncio.sleep(after)
        while todo := (partitions & self.assigned) - self._owned.keys() - self._taking:
            self._taking |= todo
            try:
                if await self._take_now(todo):
                    return
            finally:
                self._taking -= todo
            await asyncio.sleep(_TRY_AGAIN_S)

    async def _take_now(self, todo: set[int]) -> bool:
        """False: the brokers did not say what they hold; try again."""
        try:
            self._host.topic_id = await asyncio.to_thread(topic_id, self._settings.kafka, self._settings.topic)
            extents = await self._extents(todo)
        except (KafkaError, KafkaException, TimeoutError) as error:
            _log.warning("the brokers do not answer", error=type(error).__name__)
            return False
        starts = {p: extents[p].begin for p in todo}
        held = await self._host.in_database(
            lambda db: ledger.take(db, self._settings.topic, self._host.topic_id, starts)
        )
        try:
            extents = await self._extents(todo)  # after: until it was taken, somebody else may have stored what came since
        except (KafkaError, KafkaException, TimeoutError) as error:
            _log.warning("the brokers do not answer", error=type(error).__name__)
            return False
        for partition in sorted(todo):
            await self._restore(held[partition], extents[partition])
        metrics.OWNED.set(len(self._owned))
        _log.info("partitions taken", partitions=len(todo))
        return True

    async def _extents(self, partitions: set[int]) -> dict[int, Extent]:
        tps = [TP(self._settings.topic, p) for p in sorted(partitions)]
        consumer = self._host.app.consumer
        begin = await asyncio.wait_for(consumer.earliest_offsets(*tps), _LOOK_UP_S)
        end = await asyncio.wait_for(consumer.highwaters(*tps), _LOOK_UP_S)
        return {tp.partition: Extent(begin[tp], end[tp]) for tp in tps}

    async def _restore(self, held: Held, extent: Extent) -> None:
        partition = held.partition
        if why := damage(held, self._host.topic_id, extent):
            _log.error("this partition is not read any more: vigil doctor says how to go on", partition=partition, why=why)
            metrics.DAMAGED.inc()
            await self._say(partition, "log_damaged", {"why": why, "ledger": held.offset, "log": [extent.begin, extent.end]})
            return
        taken = await self._host.in_engine(lambda: self._host.rounds.take(held, extent))
        now = time.monotonic()
        due = now + random.random() * self._settings.snapshot_s
        self._owned[partition] = Owned(held.epoch, held.offset, taken.offset, due, now)
        if partition not in self.assigned:  # the group changed its mind meanwhile
            self._forget([partition])
            return
        if taken.state_lost:
            await self._say(partition, "state_lost", {"from": taken.offset, "ledger": held.offset})
        await self._position(partition)

    async def _position(self, partition: int) -> None:
        """Have the transport go on where this partition stands."""
        consumer, tp = self._host.app.consumer, TP(self._settings.topic, partition)
        while (owned := self._owned.get(partition)) is not None and partition in self.assigned:
            try:
                if self._settings.transport == "stock":
                    await asyncio.wait_for(consumer._thread.seek_wait({tp: owned.received}), _LOOK_UP_S)
                    consumer._read_offset[tp] = owned.received or None
                else:
                    await consumer.position({tp: owned.received})
                return
            except (KafkaError, TimeoutError) as error:
                _log.warning("could not seek, trying again", partition=partition, error=type(error).__name__)
                await asyncio.sleep(_TRY_AGAIN_S)

    async def _say(self, partition: int, rule: str, detail: dict[str, object]) -> None:
        now = int(time.time())
        condition = Condition(
            partition, now, partition, rule, 0, "onset", Priority.HIGH, "technical", of="partition", detail=detail
        )

        def fold(db: psycopg.Connection) -> None:
            with db.transaction():
                self._host.fold(db, [condition])

        await self._host.in_database(fold)


async def _until(done: Awaitable[None]) -> None:
    await done
