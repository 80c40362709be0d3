from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Coroutine, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import psycopg
import pytest

from deploy.schema.migrate import migrate
from deploy.stack.kafka import Kafka
from streams.kafka.log import Log
from streams.kafka.position import Appended, Extent
from streams.store.conditions import fold_nothing
from streams.store.ledger import Held
from streams.worker import ports, rounds
from streams.worker.loop import Loop
from streams.worker.places import Places
from streams.worker.ports import Feed, Statements, Surroundings, T
from streams.worker.queue import Queue
from streams.worker.rounds import Taken
from streams.worker.settings import WorkerSettings
from streams.worker.taking import AskBrokers, InDatabase, InEngine, Request, Seek, Sleep, Steps, Taking

stack = lambda test: pytest.mark.stack(pytest.mark.partitions(4)(test))


class Halting:
    """Threads of a worker: real brokers and ledger; the database answers once ``may`` is set."""

    def __init__(self, database: str, brokers: ports.Brokers) -> None:
        self._database, self._brokers = database, brokers
        self.asked, self.may = asyncio.Event(), asyncio.Event()
        self.tasks: list[asyncio.Future[None]] = []

    async def ask_brokers(self, question: Callable[[ports.Brokers], T]) -> T:
        return await asyncio.to_thread(question, self._brokers)

    async def in_database(self, work: Callable[[psycopg.Connection], T]) -> T:
        self.asked.set()
        await self.may.wait()
        with psycopg.connect(self._database, autocommit=True) as db:
            return await asyncio.to_thread(work, db)

    async def in_engine(self, work: Callable[[], T]) -> T:
        return work()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self.tasks.append(asyncio.ensure_future(work))

    def fail(self, error: BaseException) -> None:
        raise error

    async def done(self) -> None:
        await asyncio.wait_for(asyncio.gather(*self.tasks), 20)


@pytest.fixture
async def threads(kafka: Kafka, topic: str, plain_database: str) -> Halting:
    migrate(plain_database)
    return Halting(plain_database, Log(kafka.bootstrap, topic))


@pytest.fixture
async def loop(kafka: Kafka, topic: str, plain_database: str, tmp_path: Path, threads: Halting) -> Loop:
    async def position(_: object) -> None:
        return None

    settings = WorkerSettings(database=plain_database, master_key_file=tmp_path, kafka=kafka.bootstrap, topic=topic)
    engine = SimpleNamespace(
        expect=lambda _: None, take=lambda held, _, anew: Taken(held.offset, state_lost=False), drop=lambda _: None
    )
    feed = cast("Feed", SimpleNamespace(position=position))
    places = Places(Queue(settings, time), time, settings.snapshot_s, Log(kafka.bootstrap, topic).topic_id())
    return Loop(
        settings, places, cast("rounds.Rounds", engine), fold_nothing, threads, lambda: feed, lambda: None, Surroundings()
    )


def taken_of(database: str) -> list[tuple[int, int]]:
    with psycopg.connect(database) as db:
        return db.execute("SELECT partition, epoch FROM ledger ORDER BY 1").fetchall()


@stack
async def test_what_the_group_gave_to_another_meanwhile_is_not_taken(
    loop: Loop, threads: Halting, plain_database: str
) -> None:
    loop.assign(frozenset({0, 1}))
    await asyncio.wait_for(threads.asked.wait(), 10)
    loop.revoke()
    loop.assign(frozenset({1}))
    threads.may.set()
    await threads.done()
    assert list(loop.places.epochs()) == [1]
    assert taken_of(plain_database) == [(1, 1)]


@stack
async def test_while_the_group_decides_anew_nothing_is_taken_and_all_of_it_afterwards(
    loop: Loop, threads: Halting, plain_database: str
) -> None:
    loop.assign(frozenset({0, 1}))
    await asyncio.wait_for(threads.asked.wait(), 10)
    loop.revoke()
    threads.may.set()
    for _ in range(2):  # it asks again, and gets nothing
        threads.asked.clear()
        await asyncio.wait_for(threads.asked.wait(), 10)
    assert taken_of(plain_database) == []
    loop.assign(frozenset({0, 1}))
    await threads.done()
    assert sorted(loop.places.epochs()) == [0, 1]
    assert taken_of(plain_database) == [(0, 1), (1, 1)]


# a generator alone, answered by hand


class Brokers:
    def topic_id(self) -> str:
        return "a topic"

    def extents(self, partitions: Collection[int]) -> dict[int, Extent]:
        return {p: Extent(10, 90) for p in partitions}

    def at(self, offsets: Mapping[int, int]) -> dict[int, Appended | None]:
        return {p: Appended(1000, 7) for p in offsets}


class Table(Statements):
    """A ledger whose partition 1 was stored up to 50."""

    @staticmethod
    def take(_db: object, _topic: str, topic_id: str, starts: Mapping[int, int]) -> dict[int, Held]:
        return {p: Held(p, 50, 3, topic_id, Appended(1000, 7)) for p in starts}


class Rounds:
    def __init__(self) -> None:
        self.expected = 0

    def expect(self, partitions: int) -> None:
        self.expected = partitions

    def take(self, held: Held, extent: Extent, anew: bool) -> Taken:
        return Taken(40, state_lost=False)


@pytest.fixture
def places(tmp_path: Path) -> Places:
    queue = Queue(WorkerSettings(database="", master_key_file=tmp_path), time)
    return Places(queue, time, 60, "a topic")


def answered(steps: Steps[None]) -> list[Request]:
    """Each request until the end."""
    done: list[Request] = []
    brokers = Brokers()
    answer: Any
    try:
        request = next(steps)
        while True:
            match request:
                case AskBrokers(question):
                    answer = question(brokers)
                case InDatabase(work):
                    answer = work(cast("psycopg.Connection", None))
                case InEngine(work):
                    answer = work()
                case _:
                    answer = None
            done.append(request)
            request = steps.send(answer)
    except StopIteration:
        return done


def taking_with(places: Places, engine: Rounds) -> Taking:
    surroundings = Surroundings(statements=Table())
    return Taking("vitals.v1", places, cast("rounds.Rounds", engine), fold_nothing, surroundings, lambda _: None)


def test_a_partition_is_taken_without_any_io_of_its_own(places: Places) -> None:
    places.assign(frozenset({1}))
    engine = Rounds()
    taking = taking_with(places, engine)
    requests = answered(taking.take({1, 2}))
    assert [type(one) for one in requests] == [
        Sleep, AskBrokers, AskBrokers, InDatabase, AskBrokers, AskBrokers, InEngine, InEngine, Seek
    ]  # fmt: skip
    assert requests[-1] == Seek({1: 40})
    assert engine.expected == 1
    assert places.epochs() == {1: 3}
    assert places.owned[1].fresh_from == 50
    assert not places.taking


def test_brokers_that_do_not_answer_are_asked_again(places: Places) -> None:
    places.assign(frozenset({1}))
    taking = taking_with(places, Rounds())
    steps = taking.take({1})
    assert next(steps) == Sleep(0.0)
    assert isinstance(steps.send(None), AskBrokers)
    assert isinstance(steps.throw(TimeoutError()), Sleep)
    assert isinstance(steps.send(None), AskBrokers)
    places.assign(frozenset())  # the group changed its mind
    with pytest.raises(StopIteration):
        steps.throw(TimeoutError())
    assert not places.taking
