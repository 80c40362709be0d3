"""Which partitions this worker stores, from the group's assignment to the first round: taken from the ledger, restored,
read.  Lives in Faust's event loop; also what the transport asks (:class:`streams.kafka.transport.Reader`).
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from typing import Any, Final, Protocol, TypeVar

import numpy as np
import psycopg
import structlog
from aiokafka.errors import KafkaError
from confluent_kafka import KafkaException
from faust.types import TP

from streams import metrics
from streams.engine.condition import Condition, Phase, Priority
from streams.engine.opening.block import Block
from streams.kafka.log import Log
from streams.kafka.position import Extent
from streams.kafka.skew import Skew
from streams.kafka.topic import topic_id
from streams.store import ledger
from streams.store.late import recompute_recent
from streams.store.ledger import Held, Move
from streams.store.records import Snapshot
from streams.store.store import FoldConditions
from streams.worker.queue import Cost, Item, Owned, Take, take_turns
from streams.worker.recovery import compare
from streams.worker.rounds import Rounds
from streams.worker.settings import WorkerSettings
from streams.worker.snapshot_schedule import Saving

RECORDS_WAITING: Final = 8192
"""A partition's records read and not yet in a round.  Not blocks: at the head of the log a block is a record or two."""
SNAPSHOTS_A_ROUND: Final = 4
RETAKE_S: Final = 3.0
"""Who lost a partition waits so long, and takes it again only if the group still says it is his."""
STALLED_S: Final = 10.0
"""So long may a partition that has more to read bring nothing."""
LOOK_AGAIN_S: Final = 5.0
"""How often a damaged partition is looked at again: somebody may have restored its log, or decided to go on."""
_REFOLD_S: Final = 2e-7
"""What a byte takes that is folded again, until that is learned."""
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

    @property
    def clock_off(self) -> float | None: ...

    def in_engine(self, work: Callable[[], _T]) -> Awaitable[_T]: ...

    def in_database(self, work: Callable[[psycopg.Connection], _T]) -> Awaitable[_T]: ...

    def spawn(self, work: Coroutine[Any, Any, None]) -> None: ...


class Assignment:
    """See the module."""

    def __init__(self, host: Host) -> None:
        self._host, self._settings = host, host.settings
        self.topic = host.settings.topic
        self.fetch_wait_ms = host.settings.fetch_wait_ms
        self.arrived = asyncio.Event()
        self.assigned: frozenset[int] = frozenset()
        self._undecided = False
        self._owned: dict[int, Owned] = {}
        self._taking: set[int] = set()
        self._damaged: set[int] = set()
        self._look_again = 0.0
        self._log = Log(host.settings.kafka, host.settings.topic)
        self._bytes = 0
        self._cost = {True: Cost(_REFOLD_S), False: Cost()}  # of what is known, and of what is stored
        self._skew = Skew()

    def positions(self, partitions: Collection[int]) -> Mapping[int, int]:
        return {p: self._owned[p].received for p in partitions if p in self._owned}

    def has_room(self, partition: int) -> bool:
        owned = self._owned.get(partition)
        if owned is None or self.full:
            return False
        return not owned.waiting or owned.received - owned.waiting[0].block.first < RECORDS_WAITING

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

    def revoke(self) -> None:
        """The group will say anew whose each partition is.  What is owned is stored until then; nothing more is taken: a
        worker that wakes long after the group put it out would take what others have.
        """
        self._undecided = True

    def assign(self, assigned: frozenset[int]) -> None:
        """The group's word, after each rebalance.  What was kept keeps its epoch and state."""
        _log.info("partitions assigned", partitions=sorted(assigned))
        self.assigned, self._undecided = assigned, False
        self._forget([p for p in self._owned if p not in assigned])
        if new := assigned - self._owned.keys() - self._taking:
            self._host.spawn(self._take(set(new)))

    def receive(self, event: Any) -> None:
        """Blocks (or, of the stock transport, a record) arrived."""
        if isinstance(event.value, tuple):
            for block in event.value:
                self._receive(block)
            event.ack()  # release() says what is stored
            return
        message = event.message
        appended = np.array([round(message.timestamp * 1000)], np.int64)
        self._receive(Block(message.partition, message.offset, message.offset + 1, appended, [event.value or b""]), event)

    def _receive(self, block: Block, event: Any = None) -> None:
        owned = self._owned.get(block.partition)
        if owned is None:
            return
        if block.first > owned.received:  # a rebalance emptied Faust's queue
            if not owned.seeking:
                owned.seeking = True
                self._host.spawn(self._position([block.partition]))
            return
        owned.seeking = False
        owned.heard = time.monotonic()
        _, rest = block.split(owned.received)
        if rest is None:
            return
        owned.received = rest.next
        owned.age = time.time() - int(rest.appended[-1]) / 1000
        owned.end = self._host.app.consumer.highwater(TP(self._settings.topic, block.partition)) or 0
        before, after = rest.split(owned.fresh_from)
        if before is not None:
            self._wait(owned, Item(before, True, before.size, None if after else event))
        if after is not None:
            self._wait(owned, Item(after, False, after.size, event))
        self.arrived.set()

    def collect(self, *, known: bool) -> Take:
        """Take what waits of one kind, at most about a round's worth; who is served comes last the next time.

        Partitions at their head come before those with a backlog, and while there are any, a round takes only so much of
        backlogs as can be done in ``backlog_ms``, or in half the time of the others' part: these would wait for it.  Of what
        is only folded again, as much as in ``refold_ms``: it ends soon, and until then its partitions stand still.
        """
        now, records, size = time.monotonic(), self._settings.round_records, self._settings.round_mb << 20
        ready = [one for one in self._owned.values() if one.waiting and one.waiting[0].known == known]
        if any(one.at_head(now) for one in self._owned.values()):
            items = take_turns([one for one in ready if not one.behind], known, records, size)
            taken = sum(item.size for item in items)
            ms = self._settings.refold_ms if known else self._settings.backlog_ms
            most = min(self._cost[known].bytes_in(ms / 1000, taken), size - taken)
            records -= sum(len(item.block.values) for item in items)
            items += take_turns([one for one in ready if one.behind], known, records, most)
        else:
            items = take_turns(sorted(ready, key=lambda one: one.behind), known, records, size)
        save: set[int] = set()
        for item in items:
            self._owned[item.block.partition].saving.since += item.size
        partitions = dict.fromkeys(item.block.partition for item in items)
        for partition in partitions:
            owned = self._owned[partition] = self._owned.pop(partition)
            if not known and owned.saving.due(now) and len(save) < SNAPSHOTS_A_ROUND:
                save.add(partition)
                owned.saving.begin(now)
        epochs = {partition: self._owned[partition].epoch for partition in partitions}
        if not any(owned.waiting for owned in self._owned.values()):
            self.arrived.clear()
        return Take(items, epochs, frozenset(save))

    def saved(self, snapshots: Iterable[Snapshot]) -> None:
        """What states came to, which a round writes."""
        for one in snapshots:
            if owned := self._owned.get(one.partition):
                owned.saving.size = len(one.state)

    def took(self, items: Sequence[Item], seconds: float) -> None:
        """How long it took to fold what is known, or to compute or store a round: what is to be expected of the next."""
        self._cost[items[0].known].learn(sum(item.size for item in items), seconds)

    def lost(self, moves: Sequence[Move], lost: Collection[int]) -> None:
        """A round was committed, but nothing of the partitions ``lost``: somebody else has taken them."""
        gone = {
            m.partition
            for m in moves
            if m.partition in lost and m.partition in self._owned and self._owned[m.partition].epoch == m.epoch
        }
        if gone:
            _log.warning("partitions were taken by another worker, or the database set back", partitions=sorted(gone))
            self._forget(gone)
            self._host.spawn(self._take(gone, after=RETAKE_S))

    def watch(self) -> None:
        """Seek again where there is more to read and nothing comes: consumers are known to stall without a word.  And look
        again whether a damaged log was mended, and at the clocks.
        """
        now = time.monotonic()
        if news := self._skew.news(self._owned.keys(), self._host.clock_off):
            detail: dict[str, object] = {"seconds": self._host.clock_off}
            told = [_condition(p, "clock_skew", "onset" if begins else "end", detail) for p, begins in news.items()]
            self._host.spawn(self._say(told))
        if now > self._look_again and (damaged := self._damaged & self.assigned):
            self._look_again = now + LOOK_AGAIN_S
            self._host.spawn(self._take(damaged))
        for partition, owned in self._owned.items():
            if owned.waiting or self.full or now - owned.heard < STALLED_S:
                continue
            owned.heard = now
            if (self._host.app.consumer.highwater(TP(self._settings.topic, partition)) or 0) > owned.received:
                _log.warning("nothing comes though there is more: seeking again", partition=partition)
                self._host.spawn(self._position([partition]))

    def release(self, items: Iterable[Item]) -> None:
        """Acknowledge what is stored, and make room."""
        stored: dict[int, int] = {}
        for item in items:
            self._count(-item.size)
            if item.event is not None:
                item.event.ack()
            stored[item.block.partition] = item.block.next
        if self._settings.transport == "ledger":
            self._host.app.consumer.stored(stored)

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
                partitions = partitions - await self._take_now(todo)
            finally:
                self._taking -= todo
            if partitions & self.assigned:
                await asyncio.sleep(_TRY_AGAIN_S)

    async def _take_now(self, todo: set[int]) -> set[int]:
        """What was taken or found damaged; the others are to be tried again: the brokers did not say what they hold, or the
        group was saying anew whose they are.
        """
        topic = self._settings.topic
        try:
            self._host.topic_id = await asyncio.to_thread(topic_id, self._settings.kafka, topic)
            extents = await asyncio.to_thread(self._log.extents, todo)

            def take(db: psycopg.Connection) -> dict[int, Held]:
                mine = todo & self.assigned if not self._undecided else set()
                return ledger.take(db, topic, self._host.topic_id, {p: extents[p].begin for p in mine}) if mine else {}

            held = await self._host.in_database(take)
            if not held:
                return set()
            extents = await asyncio.to_thread(self._log.extents, todo)  # until then somebody else may have stored more
            why = await asyncio.to_thread(compare, self._log, self._host.topic_id, held, extents)
        except (KafkaException, TimeoutError) as error:
            _log.warning("the brokers do not answer", error=type(error).__name__)
            return set()
        await self._say_damaged(held, extents, why)
        await self._host.in_engine(lambda: self._host.rounds.expect(len(self.assigned)))
        whole = sorted(p for p, damaged in why.items() if not damaged)
        for partition in whole:
            await self._restore(held[partition], extents[partition])
        await self._position(whole)  # of all at once: the engine goes through each second of their logs once, not 64 times
        metrics.OWNED.set(len(self._owned))
        _log.info("partitions taken", partitions=sorted(held))
        return {p for p in held if p in self._owned or p in self._damaged}

    async def _restore(self, held: Held, extent: Extent) -> None:
        partition = held.partition
        taken = await self._host.in_engine(lambda: self._host.rounds.take(held, extent))
        now = time.monotonic()
        every = self._settings.snapshot_s
        saving = Saving(every, now - random.random() * every)
        self._owned[partition] = Owned(held.epoch, held.offset, taken.offset, saving, now)
        if partition not in self.assigned:  # the group changed its mind meanwhile
            self._forget([partition])
            return
        if taken.state_lost:  # it happened, and is over: somebody has to see it, then it goes
            detail: dict[str, object] = {"from": taken.offset, "ledger": held.offset}
            told = [_condition(partition, "state_lost", phase, detail) for phase in ("onset", "end")]
            await self._say(told, lambda db: self._catch_up(db, held))

    def _catch_up(self, db: psycopg.Connection, held: Held) -> None:
        """Write what the lost state had not written yet, unless somebody else has taken the partition since."""
        mine = ledger.read(db, self._settings.topic, lock=[held.partition])[held.partition].epoch == held.epoch
        if mine and held.last is not None:
            recompute_recent(db, held.partition, held.last.append, held.offset)

    async def _say_damaged(
        self, held: Mapping[int, Held], extents: Mapping[int, Extent], why: Mapping[int, str | None]
    ) -> None:
        """Stop reading where the log is damaged and say so, once; say that it is over where it was mended."""
        self._damaged = (self._damaged - why.keys()) | {p for p, damaged in why.items() if damaged}
        metrics.DAMAGED.set(len(self._damaged))
        self._look_again = time.monotonic() + LOOK_AGAIN_S
        news = {p: damaged for p, damaged in why.items() if damaged != held[p].damage}
        told = []
        for p, damaged in news.items():
            extent, offset = extents[p], held[p].offset
            if damaged:
                _log.error("this partition is not read any more: vigil doctor says how to go on", partition=p, why=damaged)
            detail: dict[str, object] = {"why": damaged, "ledger": offset, "log": [extent.begin, extent.end]}
            told.append(_condition(p, "log_damaged", "onset" if damaged else "end", detail))
        if news:
            await self._say(told, lambda db: ledger.note_damage(db, self._settings.topic, held, news))

    async def _position(self, partitions: Collection[int]) -> None:
        """Have the transport go on where these partitions stand."""
        consumer = self._host.app.consumer
        while mine := [p for p in partitions if p in self._owned and p in self.assigned]:
            offsets = {TP(self._settings.topic, p): self._owned[p].received for p in mine}
            try:
                if self._settings.transport == "stock":
                    await asyncio.wait_for(consumer._thread.seek_wait(offsets), _LOOK_UP_S)
                    consumer._read_offset.update({tp: offset or None for tp, offset in offsets.items()})
                else:
                    await consumer.position(offsets)
                return
            except (KafkaError, TimeoutError) as error:
                _log.warning("could not seek, trying again", partitions=mine, error=type(error).__name__)
                await asyncio.sleep(_TRY_AGAIN_S)

    async def _say(self, told: Sequence[Condition], with_it: Callable[[psycopg.Connection], None] | None = None) -> None:
        def fold(db: psycopg.Connection) -> None:
            with db.transaction():
                if with_it:
                    with_it(db)
                self._host.fold(db, told)

        await self._host.in_database(fold)


def _condition(partition: int, rule: str, phase: Phase, detail: dict[str, object]) -> Condition:
    now = int(time.time())
    return Condition(partition, now, partition, rule, 0, phase, Priority.HIGH, "technical", of="partition", detail=detail)


async def _until(done: Awaitable[None]) -> None:
    await done
