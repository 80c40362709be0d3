"""Ports: what the worker's core finds outside itself.  The worker passes the real ones in, the simulation its own."""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import psycopg

from streams.host_clock import HostClock
from streams.kafka.position import Appended, Extent
from streams.store import ledger
from streams.store.late import catch_up
from streams.store.recall import stored_since
from streams.store.store import store_round
from streams.worker.recovery import controls_before, read_faults, read_saved

T = TypeVar("T")


class Brokers(Protocol):
    """The brokers' answers about the log: :class:`streams.kafka.log.Log`.  Each question may raise ``KafkaException`` or
    ``TimeoutError``: ask again.
    """

    def topic_id(self) -> str: ...

    def extents(self, partitions: Collection[int]) -> dict[int, Extent]: ...

    def at(self, offsets: Mapping[int, int]) -> dict[int, Appended | None]: ...


class Feed(Protocol):
    """The consumer, by partition: :class:`streams.kafka.transport.Consumer`."""

    def end(self, partition: int) -> int:
        """The partition's next offset, as the last fetch reported it."""
        ...

    async def position(self, offsets: Mapping[int, int]) -> None:
        """Deliver from ``offsets`` on."""
        ...

    def stored(self, offsets: Mapping[int, int]) -> None:
        """Note that everything before ``offsets`` is stored."""
        ...


class Threads(Protocol):
    """The threads beside the event loop: :class:`streams.worker.threads.WorkerThreads`."""

    def ask_brokers(self, question: Callable[[Brokers], T]) -> Awaitable[T]: ...

    def in_engine(self, work: Callable[[], T]) -> Awaitable[T]:
        """``work`` in the thread that owns the engine, after what was given to it before."""
        ...

    def in_database(self, work: Callable[[psycopg.Connection], T]) -> Awaitable[T]:
        """``work`` on the session that commits, again until the database answers."""
        ...

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run ``work`` beside the rounds; an error in it ends the process."""
        ...

    def fail(self, error: BaseException) -> None:
        """End the process: nobody thought of ``error``."""
        ...


class Statements:
    """The statements of rounds and of taking, on PostgreSQL."""

    take = staticmethod(ledger.take)
    note_damage = staticmethod(ledger.note_damage)
    store_round = staticmethod(store_round)
    read_saved = staticmethod(read_saved)
    read_faults = staticmethod(read_faults)
    stored_since = staticmethod(stored_since)
    controls_before = staticmethod(controls_before)
    catch_up = staticmethod(catch_up)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Clock, chance and database statements; ``chance`` gives numbers of [0, 1)."""

    clock: HostClock = time
    chance: Callable[[], float] = random.random
    statements: Statements = field(default_factory=Statements)
