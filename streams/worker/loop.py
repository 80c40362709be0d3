"""The loop of a worker: what arrives is queued, folded and stored, a round at a time, at most one computed ahead.

It runs in the event loop, and is what the transport asks (:class:`streams.kafka.transport.Reader`).  It knows neither Faust
nor threads: both are ports.  Nothing leaves the agent's body.
"""

from __future__ import annotations

import asyncio
import contextlib
import traceback
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from typing import Final

import structlog

from devices.wire.batch import PARTITIONS, Lane
from streams import metrics
from streams.engine.opening.block import Block
from streams.kafka.skew import Skew
from streams.store.conditions import FoldConditions
from streams.store.readings import Readings
from streams.store.store import RoundToStore, Stored
from streams.worker.conditions import of_partition
from streams.worker.latency import LATENCY
from streams.worker.places import Places, Take
from streams.worker.ports import Feed, Surroundings, Threads
from streams.worker.queue import Item
from streams.worker.rounds import PHASES, Rounds
from streams.worker.set_aside import ENGINE_FAILED, STORE_FAILED, may_be_a_records_fault, reason_of
from streams.worker.settings import WorkerSettings
from streams.worker.silence import Silence
from streams.worker.taking import Steps, Taking, drive

RETAKE_S: Final = 3.0
"""A worker that lost a partition waits so long, and takes it again only if the group still gives it to this worker."""
LAST_COMMIT_S: Final = 15.0
"""A worker that is asked to stop waits so long for the round it commits."""
FAULT_AGAIN_S: Final = 60.0
_IDLE_S: Final = 1.0

_log = structlog.get_logger(__name__)


class Loop:
    """``skew``: seconds by which the brokers' clock differs from this host's; None before that is known."""

    def __init__(
        self,
        settings: WorkerSettings,
        places: Places,
        rounds: Rounds,
        fold: FoldConditions,
        threads: Threads,
        feed: Callable[[], Feed],
        skew: Callable[[], float | None],
        surroundings: Surroundings,
    ) -> None:
        self.topic, self.fetch_wait_ms = settings.topic, settings.fetch_wait_ms
        self._settings, self._rounds, self._fold, self._threads, self._feed = settings, rounds, fold, threads, feed
        self._clock, self._store_round = surroundings.clock, surroundings.statements.store_round
        self.places, self.queue = places, places.queue
        self._taking = Taking(settings.topic, places, rounds, fold, surroundings, self._forget)
        self._readings = Readings()
        self._skew, self._reported, self._silence = skew, Skew(), Silence()
        self._commit: asyncio.Task[None] | None = None
        self._faults: dict[int, float] = {}
        self._beyond: frozenset[int] = frozenset()

    # the transport asks

    def positions(self, partitions: Collection[int]) -> Mapping[int, int]:
        return self.places.positions(partitions)

    def has_room(self, partition: int) -> bool:
        return self.queue.has_room(partition)

    def lost_place(self, partition: int) -> None:
        _log.warning("the log does not go on where it was read last", partition=partition)
        self._forget([partition])
        self._spawn(self._taking.take({partition}))

    def led_anew(self, partition: int) -> bool:
        compares = self.places.begin_comparing(partition)
        if compares:
            self._spawn(self._taking.compare_last(partition))
        return compares

    # Faust reports

    def revoke(self) -> None:
        """The group is deciding anew: nothing more is taken."""
        self.places.revoke()

    def assign(self, assigned: frozenset[int]) -> None:
        """The group has decided.  A partition that was kept keeps its epoch and state.  Nothing that belongs to Vigil writes
        to partitions beyond its number: they are not read.
        """
        beyond = frozenset(p for p in assigned if p >= PARTITIONS)
        assigned -= beyond
        _log.info("partitions assigned", partitions=sorted(assigned))
        self._report_beyond(beyond)
        self.places.assign(assigned)
        self._forget([p for p in self.places.owned if p not in assigned])
        if new := self.places.missing(assigned):
            self._spawn(self._taking.take(new))

    def receive(self, blocks: Iterable[Block]) -> None:
        """A fetch arrived."""
        for block in blocks:
            if not self.places.receive(block, self._feed().end(block.partition)):
                self._spawn(self._taking.seek([block.partition]))
            elif block.fault:
                self._report_fault(block)

    async def run(self) -> None:
        """Round after round, until cancelled."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.queue.arrived.wait(), _IDLE_S)
            self._watch()
            await asyncio.sleep(self._settings.round_wait_ms / 1000)
            # between taking and giving to the engine's thread nothing may be awaited: a partition could be dropped
            known = self.places.take(known=True)
            if known.items:
                await self._refold(known)
            fresh = self.places.take(known=False)
            if fresh.items and (todo := await self._compute(fresh)):
                if self._commit is not None:
                    await self._commit
                self._commit = asyncio.create_task(self._store(todo, fresh))

    async def finish(self) -> None:
        """Wait for the round that commits; what is not committed is read again by whoever is next."""
        if self._commit is not None:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(asyncio.shield(self._commit), LAST_COMMIT_S)

    async def _refold(self, take: Take) -> None:
        begin = self._clock.monotonic()
        try:
            await self._threads.in_engine(lambda: self._rounds.refold(take.blocks))
        except Exception as error:
            self._suspect(take, ENGINE_FAILED, error, known=True)
            return
        self.queue.learn(take.items, self._clock.monotonic() - begin)
        self._release(take.items)

    async def _compute(self, take: Take) -> RoundToStore | None:
        begin = self._clock.monotonic()
        try:
            todo = await self._threads.in_engine(
                lambda: self._rounds.compute(take.blocks, take.epochs, take.save, take.aside)
            )
        except Exception as error:
            self._suspect(take, ENGINE_FAILED, error)
            return None
        self.queue.learn(take.items, self._clock.monotonic() - begin)
        self.places.saved(todo.snapshots)
        return todo

    async def _store(self, todo: RoundToStore, take: Take) -> None:
        try:
            await self._commit_round(todo, take)
        except Exception as error:
            self._threads.fail(error)

    async def _commit_round(self, todo: RoundToStore, take: Take) -> None:
        try:
            begin = self._clock.monotonic()
            with metrics.COMMIT.time():
                stored = await self._threads.in_database(
                    lambda db: self._store_round(db, self.topic, self.places.topic_id, todo, self._fold, self._readings)
                )
        except Exception as error:
            self._suspect(take, STORE_FAILED, error)
            return
        self.queue.learn(take.items, self._clock.monotonic() - begin)
        if lost := self.places.lost(todo.moves, stored.lost):
            _log.warning("partitions were taken by another worker, or the database set back", partitions=sorted(lost))
            self._forget(lost)
            self._spawn(self._taking.take(lost, after=RETAKE_S))
        self.places.stored([move for move in todo.moves if move.partition not in stored.lost])
        self._release(take.items)
        count(todo, stored, round(self._clock.time() * 1000))

    def _suspect(self, take: Take, where: str, error: Exception, *, known: bool = False) -> None:
        """A round failed at something that a record of it holds: its partitions are taken again, each for itself, until that
        record is found.

        Raises:
            Exception: ``error``, where another record would fail as well.
        """
        self.queue.release(take.items)
        reason = reason_of(where, error)
        blocks = self.places.of_this_owner(take.items, take.epochs)
        if not may_be_a_records_fault(error) or (blocks and not self.places.suspects.failed(blocks, reason, known=known)):
            raise error
        partitions = {block.partition for block in blocks}
        frames = traceback.extract_tb(error.__traceback__)[-2:]
        at = [f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno} {frame.name}" for frame in frames]
        _log.error("a round failed: its records are tried apart", partitions=sorted(partitions), why=reason, at=at)
        self._forget(partitions)
        self._spawn(self._taking.take(partitions))

    def _watch(self) -> None:
        """Report what the clocks do, look again whether a damaged log was mended, and seek again where there is more to read
        and nothing comes: consumers are known to stall without a word.
        """
        skew = self._skew()
        if changes := self._reported.changes(self.places.owned.keys(), skew):
            now = int(self._clock.time())
            conditions = [
                of_partition(p, "clock_skew", "onset" if begins else "end", now, seconds=skew)
                for p, begins in changes.items()
            ]
            self._spawn(self._taking.report(conditions))
        if damaged := self.places.look_again():
            self._spawn(self._taking.take(damaged))
        self._watch_silence()
        silent = [] if self.queue.full else list(self.places.silent())
        if silent:
            self._spawn(self._taking.look())
        for partition in silent:
            if self._feed().end(partition) > self.places.owned[partition].line.received:
                _log.warning("nothing comes though there is more: seeking again", partition=partition)
                self._spawn(self._taking.seek([partition]))

    def _watch_silence(self) -> None:
        """Report partitions of which nothing comes, where each has a clock record a second."""
        if not self._settings.clock:
            return
        changes = self._silence.changes(self.places.last_records(), self._clock.monotonic())
        if silent := sorted(p for p, begins in changes.items() if begins):
            _log.error("nothing comes from these partitions: are their brokers and the topic there?", partitions=silent)
        if changes:
            now = int(self._clock.time())
            self._spawn(
                self._taking.report(
                    [of_partition(p, "log_silent", "onset" if begins else "end", now) for p, begins in changes.items()]
                )
            )

    def _report_fault(self, block: Block) -> None:
        """Report records that are refused as they stand in the log; one report stands for what comes with it."""
        now = self._clock.time()
        if now - self._faults.get(block.partition, 0.0) < FAULT_AGAIN_S:
            return
        self._faults[block.partition] = now
        _log.error("records of the log are refused", partition=block.partition, at_offset=block.first, why=block.fault)
        detail = {"at_offset": block.first, "why": block.fault}
        self._spawn(
            self._taking.report(
                [of_partition(block.partition, "record_set_aside", phase, int(now), **detail) for phase in PHASES]
            )
        )

    def _report_beyond(self, beyond: frozenset[int]) -> None:
        if new := beyond - self._beyond:
            self._beyond |= new
            _log.error("the topic has too many partitions: these are not read", partitions=sorted(new))
            now = int(self._clock.time())
            self._spawn(
                self._taking.report(
                    [of_partition(p, "partition_not_read", phase, now) for p in sorted(new) for phase in PHASES]
                )
            )

    def _release(self, items: Iterable[Item]) -> None:
        self.queue.release(items)
        self._feed().stored({item.block.partition: item.block.next for item in items})

    def _forget(self, partitions: Iterable[int]) -> None:
        for partition in self.places.forget(partitions):
            dropped = self._threads.in_engine(lambda partition=partition: self._rounds.drop(partition))  # type: ignore[misc]
            self._threads.spawn(_until(dropped))

    def _spawn(self, steps: Steps[None]) -> None:
        self._threads.spawn(drive(steps, self._threads, self._feed))


def count(todo: RoundToStore, stored: Stored, now: int) -> None:
    """Add a committed round to the metrics; ``now`` ms."""
    writes = todo.writes
    metrics.ROUNDS.inc()
    metrics.RECORDS.inc(len(writes.round.records))
    metrics.READINGS.inc(stored.readings)
    metrics.SAMPLES.inc(int(writes.accepted.sum()))
    metrics.QUARANTINED.inc(len(writes.quarantined))
    metrics.CONDITIONS.inc(len(writes.conditions))
    metrics.LOST.inc(len(stored.lost))
    for one in writes.rejected:
        metrics.REJECTED.labels(one.reason).inc()
    metrics.BEHIND.set((now - max(move.append for move in todo.moves)) / 1000)
    live = writes.accepted & (writes.round.records["lane"][writes.round.record] == Lane.LIVE)
    LATENCY.observe(now - writes.round.samples["time"][live])


async def _until(done: Awaitable[None]) -> None:
    await done
