"""A worker's process: the real loop, queue, places, taking, engine and rules, on a simulated transport and database.

What stands in for Faust is :class:`Transport`: it reads where the reader stands and goes back where a block does not fit, as
:mod:`streams.kafka.transport` does.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Collection, Coroutine, Generator, Mapping
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any, Final, Protocol
from zlib import crc32

import psycopg

from devices.wire.batch import PARTITIONS, TOPIC, Kind, header
from streams.engine.engine import Engine
from streams.engine.opening.keyring import FixedKeyRing
from streams.engine.round import Round
from streams.engine.snapshot.recall import Recall
from streams.kafka.position import Appended, Extent
from streams.store.ledger import Held
from streams.store.session import is_transient
from streams.worker.loop import Loop
from streams.worker.places import Places
from streams.worker.ports import Statements, Surroundings
from streams.worker.queue import Queue
from streams.worker.recovery import Faults, Saved, round_of_controls
from streams.worker.rounds import Rounds
from streams.worker.set_aside import ENGINE_FAILED, STORE_FAILED
from streams.worker.settings import WorkerSettings
from tests.simulation.database import Database, Session
from tests.simulation.log import Log
from tests.simulation.loop import ProcessLoop
from tests.simulation.scheduler import Scheduler

SETTINGS: Final = WorkerSettings(  # a round that holds less than waits now and then
    database="simulated",
    master_key_file=Path("none"),
    round_wait_ms=50,
    round_records=8,
    snapshot_s=4.0,
    waiting_mb=1,
)
_FAILED: Final = (ENGINE_FAILED, STORE_FAILED)
_CLOCK: Final = header(Kind.CLOCK, patient=0, count=0)


class Around(Protocol):
    """What a worker finds around it."""

    scheduler: Scheduler
    log: Log
    database: Database
    keys: FixedKeyRing
    ticking: bool
    calm: bool

    def failed(self, who: str, error: BaseException) -> None: ...

    def new_engine(self) -> Engine: ...


class Transport:
    """The consumer of one worker.  ``assigned`` is the group's word."""

    def __init__(self, around: Around, loop: ProcessLoop, name: str) -> None:
        self._around, self._log, self._loop = around, around.log, loop
        self._rng = around.scheduler.chance(f"transport {name} {around.scheduler.now}")
        self._next: dict[int, int] = {}
        self._went_back: dict[int, int] = {}
        self.assigned: frozenset[int] = frozenset()
        self.reader: Any = None
        self.most = self._rng.choice((3, 20, 200))
        self.every = self._rng.choice((0.3, 1.0, 1.0, 2.0))

    def end(self, partition: int) -> int:
        return self._log.end(partition)

    def stored(self, *_: object) -> None:
        """The group's offset is for display."""

    async def position(self, offsets: Mapping[int, int]) -> None:
        await asyncio.sleep(0.001)
        self._next |= {partition: offset for partition, offset in offsets.items() if partition in self.assigned}

    def rebalanced(self, assigned: frozenset[int]) -> None:
        self.assigned = assigned
        self._next = dict(self.reader.positions(sorted(assigned)))

    async def run(self) -> None:
        while True:
            most = 200 if self._around.calm else self.most
            await asyncio.sleep(0.5 if self._around.calm else self.every * self._rng.uniform(0.7, 1.3))
            for partition in sorted(self._next):
                if not self.reader.has_room(partition):
                    continue
                block = self._log.block(partition, self._next[partition], self._rng.randint(1, most))
                if self._rng.random() < 0.1:  # a fetch may outlast a rebalance
                    await asyncio.sleep(self._rng.uniform(0.01, 1.0))
                if block is not None and partition in self._next:
                    self._deliver(partition, block)

    def _deliver(self, partition: int, block: Any) -> None:
        expected = self._next[partition]
        if block.first == expected:
            self._next[partition] = block.next
            self.reader.receive([block])
        elif self._went_back.get(partition) == expected:
            del self._next[partition], self._went_back[partition]
            self.reader.lost_place(partition)
        else:
            self._went_back[partition] = expected


class _Clock:
    """True time, and the monotonic clock of everything simulated."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    def monotonic(self) -> float:
        return self._scheduler.seconds

    def time(self) -> float:
        return self._scheduler.ms / 1000


class Brokers:
    """Answers about the simulated log."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def topic_id(self) -> str:
        return self._log.topic_id

    def extents(self, partitions: Collection[int]) -> dict[int, Extent]:
        return {p: Extent(0, self._log.end(p)) for p in partitions}

    def at(self, offsets: Mapping[int, int]) -> dict[int, Appended | None]:
        of = self._log.partitions
        return {
            p: Appended(of[p].appended[n], crc32(of[p].values[n])) if n < len(of[p].values) else None
            for p, n in offsets.items()
        }


class SimStatements(Statements):
    """The statements on the tables in memory; those that take time are generators (:mod:`tests.simulation.database`)."""

    @staticmethod
    def take(db: Any, *args: Any) -> Any:
        return db.database.take(db, *args)

    @staticmethod
    def note_damage(db: Any, _topic: str, held: Mapping[int, Held], damage: Mapping[int, str | None]) -> frozenset[int]:
        rows = {partition: db.database.tables.ledger[partition] for partition in damage}
        ours = frozenset(partition for partition, row in rows.items() if row.epoch == held[partition].epoch)
        for partition in ours:
            if (reason := damage[partition]) and not db.database.scheduler.log.former:
                raise AssertionError(f"a whole log is taken for damaged: {damage}")
            rows[partition].damage = reason
        return ours

    @staticmethod
    def store_round(db: Any, *args: Any) -> Any:
        return db.database.store_round(db, *args)

    @staticmethod
    def read_saved(db: Any, _topic: str, partition: int) -> Saved | None:
        database: Database = db
        return database.saved(partition)

    @staticmethod
    def read_faults(db: Any, topic_id: str, partition: int) -> Faults:
        database: Database = db
        tables = database.tables
        aside = {
            key[2]: row[0]
            for key, row in tables.rejected.items()
            if key[:2] == (topic_id, partition) and row[0].startswith(_FAILED)
        }
        return Faults(aside, {sender for sender in tables.damaged_key if sender[0] % PARTITIONS == partition})

    @staticmethod
    def stored_since(db: Any, partition: int, since: int, before: int) -> Recall:
        database: Database = db
        return database.tables.stored(partition, since, before)

    @staticmethod
    def controls_before(db: Any, partition: int, before: int) -> Round:
        return round_of_controls(partition, db.tables.controls_before(partition, before))

    @staticmethod
    def catch_up(*_args: object) -> None:
        """Minutes that were open when a state was lost: where that may be, the tables are compared with no fold."""


class SimThreads:
    """The threads of one simulated process; see :class:`streams.worker.ports.Threads`."""

    def __init__(
        self, around: Around, loop: ProcessLoop, name: str, rng: Random, epochs: Callable[[], Mapping[int, int]]
    ) -> None:
        self._around, self._loop, self._name, self._rng, self._epochs = around, loop, name, rng, epochs
        self._brokers = Brokers(around.log)
        self._session: Session | None = None
        self._engine_turn, self._database_turn = asyncio.Lock(), asyncio.Lock()

    def ask_brokers(self, question: Callable[[Any], Any]) -> Awaitable[Any]:
        return self._loop.run_in_executor(None, question, self._brokers)

    def in_engine(self, work: Callable[[], Any]) -> Awaitable[Any]:
        return self._loop.create_task(self._compute(work))

    def in_database(self, work: Callable[[Any], Any]) -> Awaitable[Any]:
        return self._loop.create_task(self._transact(work))

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self._loop.spawn(work)

    def fail(self, error: BaseException) -> None:
        if not self._loop.dead:
            self._around.failed(self._name, error)

    def end(self) -> None:
        """Its process is dead."""
        if self._session is not None:
            self._session.end()

    async def _compute(self, work: Callable[[], Any]) -> Any:
        async with self._engine_turn:
            await asyncio.sleep(self._rng.uniform(0.001, 0.03))
            while self._around.database.down:  # it reads: taking a partition waits for the database
                await asyncio.sleep(0.2)
            return work()

    async def _transact(self, work: Callable[[Any], Any]) -> Any:
        async with self._database_turn:
            while True:
                try:
                    return await self._attempt(work)
                except (psycopg.Error, psycopg.InterfaceError) as error:
                    if not is_transient(error):
                        raise
                await asyncio.sleep(self._rng.uniform(0.05, 0.5))

    async def _attempt(self, work: Callable[[Any], Any]) -> Any:
        await asyncio.sleep(0.001)
        if self._session is None or self._session.ended:
            self._session = self._around.database.connect(self._name)
            self._around.database.keep(self._session, self._epochs())
        steps = work(self._session)
        if not isinstance(steps, Generator):
            return steps
        try:
            while True:
                await asyncio.sleep(next(steps))
        except StopIteration as done:
            return done.value
        finally:
            steps.close()


class SimWorker:
    """A worker's process: the product's loop on a simulated transport, database and clock."""

    def __init__(self, around: Around, name: str) -> None:
        self.around, self.name = around, name
        self.loop = ProcessLoop.made(around.scheduler, lambda error: around.failed(name, error))
        self._stop = threading.Event()
        statements = SimStatements()
        reading: Any = SimpleNamespace(connection=lambda: around.database)
        rounds = Rounds(around.new_engine(), around.keys, reading, TOPIC, self._stop, statements)
        self._rng = around.scheduler.chance(f"{name} {around.scheduler.now}")
        clock = _Clock(around.scheduler)
        places = Places(Queue(SETTINGS, clock), clock, SETTINGS.snapshot_s, around.log.topic_id)
        self._threads = SimThreads(around, self.loop, name, self._rng, places.epochs)
        self.transport = Transport(around, self.loop, name)
        self._rounds = self.transport.reader = Loop(
            SETTINGS,
            places,
            rounds,
            self._fold,
            self._threads,
            feed=lambda: self.transport,
            skew=lambda: None,  # nobody measures it
            surroundings=Surroundings(clock, around.scheduler.nonces.random, statements),
        )

    def start(self) -> None:
        for work in (self._rounds.run(), self.transport.run(), self._clocks()):
            self.loop.spawn(work)

    def die(self) -> None:
        self._stop.set()
        self.loop.kill()
        self._threads.end()

    def revoke(self) -> None:
        """The group is deciding anew."""
        self.loop.call_soon(self._rounds.revoke)

    def assign(self, partitions: Collection[int]) -> None:
        """The group's word reaches this process."""

        def arrived() -> None:
            self.transport.rebalanced(frozenset(partitions))
            self._rounds.assign(frozenset(partitions))

        self.loop.call_soon(arrived)

    async def _clocks(self) -> None:
        """A clock record a second to each partition the group gave us; some are late, some come twice, some never."""
        while self.around.ticking:
            for partition in sorted(self._rounds.places.assigned):
                if not self.around.log.down and self._rng.random() > 0.03:
                    for _ in range(1 + (self._rng.random() < 0.01)):
                        delay = self.around.log.latency()
                        self.around.scheduler.after(delay, lambda p=partition: self.around.log.append(p, _CLOCK))  # type: ignore[misc]
            await asyncio.sleep(1.0)

    def _fold(self, tx: Any, conditions: Any) -> None:
        self.around.database.tables.alarms.fold(conditions)
