"""A worker's process: the real rounds, assignment, engine and rules, on a simulated transport and database.

What stands in for Faust is :class:`Transport`: it reads where the reader stands and goes back where a block does not fit, as
:mod:`streams.kafka.transport` does.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Collection, Coroutine, Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, Protocol

import psycopg
from faust.types import TP

from devices.wire.batch import TOPIC, Kind, header
from streams.engine.engine import Engine
from streams.engine.opening.keyring import FixedKeyRing
from streams.store.readings import Readings
from streams.store.session import is_transient
from streams.worker.assignment import Assignment
from streams.worker.rounds import Rounds
from streams.worker.settings import WorkerSettings
from streams.worker.worker import Worker
from tests.simulation.database import TOPIC_ID, Database, Session
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


@dataclass(frozen=True, slots=True)
class Event:
    """What the transport hands over: blocks."""

    value: Any

    def ack(self) -> None:
        """Of no use here: what is stored is the ledger's to say."""


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

    def highwater(self, tp: TP) -> int:
        return self._log.end(tp.partition)

    def stored(self, *_: object) -> None:
        """The group's offset is for display."""

    async def position(self, offsets: Mapping[TP, int]) -> None:
        await asyncio.sleep(0.001)
        self._next |= {tp.partition: offset for tp, offset in offsets.items() if tp.partition in self.assigned}

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
            self.reader.receive(Event((block,)))
        elif self._went_back.get(partition) == expected:
            del self._next[partition], self._went_back[partition]
            self.reader.lost_place(partition)
        else:
            self._went_back[partition] = expected


class SimWorker(Worker):
    """The product's worker without Faust: its rounds and its assignment, on the threads of a simulated process."""

    clock_off = None  # as long as nobody measures it

    def __init__(self, around: Around, name: str) -> None:
        self.around, self.name = around, name
        self.settings, self.topic_id = SETTINGS, TOPIC_ID
        self.loop = ProcessLoop(around.scheduler, lambda error: around.failed(name, error))
        self.stop = threading.Event()
        self.fold = self._fold
        self._readings = Readings()
        self._session: Session | None = None
        reading = SimpleNamespace(connection=lambda: around.database)
        self.rounds = Rounds(around.new_engine(), around.keys, reading, TOPIC, self.stop)  # type: ignore[arg-type]
        self._commit: asyncio.Task[None] | None = None
        self._tasks = set()
        self._engine_turn, self._database_turn = asyncio.Lock(), asyncio.Lock()
        self.transport = Transport(around, self.loop, name)
        self.app = SimpleNamespace(consumer=self.transport)
        self.assignment = Assignment(self)
        self.transport.reader = self.assignment
        self._rng = around.scheduler.chance(f"{name} {around.scheduler.now}")

    def start(self) -> None:
        for work in (self._rounds(), self.transport.run(), self._clocks()):
            self.loop.spawn(work)

    def die(self) -> None:
        self.stop.set()
        self.loop.kill()
        if self._session is not None:
            self._session.end()

    def revoke(self) -> None:
        """The group is deciding anew."""
        self.loop.call_soon(self.assignment.revoke)

    def assign(self, partitions: Collection[int]) -> None:
        """The group's word reaches this process."""

        def told() -> None:
            self.transport.rebalanced(frozenset(partitions))
            self.assignment.assign(frozenset(partitions))

        self.loop.call_soon(told)

    def in_engine(self, work: Callable[[], Any]) -> Awaitable[Any]:
        return self.loop.create_task(self._compute(work))

    def in_database(self, work: Callable[[Any], Any]) -> Awaitable[Any]:
        return self.loop.create_task(self._transact(work))

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self.loop.spawn(work)

    def fail(self, error: BaseException) -> None:
        if not self.loop.dead:
            self.around.failed(self.name, error)

    async def _compute(self, work: Callable[[], Any]) -> Any:
        async with self._engine_turn:
            await asyncio.sleep(self._rng.uniform(0.001, 0.03))
            while self.around.database.down:  # it reads: taking a partition waits for the database
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
            self._session = self.around.database.connect(self.name)
            self.around.database.keep(self._session, self.assignment.epochs())
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

    async def _clocks(self) -> None:
        """A clock record a second to each partition the group gave us; some are late, some come twice, some never."""
        while self.around.ticking:
            for partition in sorted(self.assignment.assigned):
                if not self.around.log.down and self._rng.random() > 0.03:
                    for _ in range(1 + (self._rng.random() < 0.01)):
                        delay = self.around.log.latency()
                        self.around.scheduler.after(delay, lambda p=partition: self.around.log.append(p, _CLOCK))  # type: ignore[misc]
            await asyncio.sleep(1.0)

    def _fold(self, tx: Any, conditions: Any) -> None:
        self.around.database.tables.alarms.fold(conditions)
