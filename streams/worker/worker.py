"""The worker: a Faust app that reads the log, and one transaction a round.

Three threads: Faust's event loop (here), the one that owns the engine (:class:`streams.worker.rounds.Rounds`), and the one
that commits.  While one round commits the next is computed, at most one ahead.  Nothing leaves the agent's body.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
import traceback
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

import faust
import psycopg
import stamina
import structlog
from confluent_kafka import KafkaException

from devices.errors import DeviceError
from devices.wire.batch import Lane
from devices.wire.keys import read_master_key
from streams import metrics
from streams.engine.engine import Engine
from streams.engine.stage import Stage
from streams.errors import BrokersAwayError, StreamsError
from streams.kafka.clock_records import ClockRecords
from streams.kafka.log import Log
from streams.kafka.topic import topic_id
from streams.kafka.transport import NAME, register
from streams.store import ledger
from streams.store.data_keys import DatabaseKeyRing
from streams.store.readings import Readings
from streams.store.session import Session, until_done
from streams.store.staging import prepare
from streams.store.store import FoldConditions, RoundToStore, Stored, store_round
from streams.worker.allocator import keep_memory
from streams.worker.assignment import Assignment
from streams.worker.latency import LATENCY
from streams.worker.queue import Item
from streams.worker.rounds import Rounds
from streams.worker.settings import WorkerSettings
from streams.worker.watchdog import Watchdog

LAST_COMMIT_S: Final = 15.0
"""How long a worker that is asked to stop waits for the round it commits."""
LEAVE_S: Final = 25.0
"""And how long for all of it: with the brokers away the consumer would ask to leave its group for ever."""
BROKERS_S: Final = 60.0
"""How long a worker that starts waits for the brokers."""
EXIT_FAILED: Final = 70
_IDLE_S: Final = 1.0
_FULL_S: Final = 0.01
_T = TypeVar("_T")

_log = structlog.get_logger(__name__)


class _App(faust.App):  # type: ignore[misc]
    def _create_directories(self) -> None:
        """None: there are no tables, and Faust would leave a folder wherever a worker is started."""


class _Process(faust.Worker):  # type: ignore[misc]
    """Faust's, which ends in time also where brokers or database let nobody leave in order."""

    async def stop(self) -> None:
        threading.Thread(target=self._end, name="ending", daemon=True).start()
        await super().stop()

    @staticmethod
    def _end() -> None:
        time.sleep(LEAVE_S)
        _log.warning("ended without leaving the group: the brokers or the database are away")
        os._exit(0)  # nothing is lost: the ledger stands where the last round was committed


class Worker:
    """Everything one process does.

    Raises:
        StreamsError: a setting does not fit, or no broker answers; the message says which.
    """

    def __init__(self, settings: WorkerSettings, stages: Sequence[Stage], fold: FoldConditions) -> None:
        self.settings, self.fold = settings, fold
        try:
            for one in stamina.retry_context(on=(KafkaException, TimeoutError), attempts=None, timeout=BROKERS_S):
                with one:
                    self.topic_id = topic_id(settings.kafka, settings.topic)
        except (KafkaException, TimeoutError):
            raise BrokersAwayError(settings.kafka, BROKERS_S) from None
        self.stop = threading.Event()
        self._reading = Session(settings.database)
        self._storing = Session(settings.database, self._prepare)
        keys = DatabaseKeyRing(self._reading.connection, read_master_key(settings.master_key_file))
        self.rounds = Rounds(Engine(stages), keys, self._reading, settings.topic, self.stop)
        self._readings = Readings()
        self._engine_thread = ThreadPoolExecutor(1, "engine")
        self._commit_thread = ThreadPoolExecutor(1, "commit")
        self._commit: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.app = self._make_app()
        self.assignment = Assignment(self)
        self.app.reader = self.assignment
        self._clock = ClockRecords(
            settings.kafka, settings.topic, lambda: self.assignment.assigned, silence_min=settings.silence_min
        )
        self._watchdog = Watchdog(
            settings.database,
            Log(settings.kafka, settings.topic),
            settings.topic,
            lambda: self.assignment.assigned,
            settings.watchdog_s,
        )

    def run(self) -> None:
        """Until SIGTERM or SIGINT."""
        if self.settings.clock:
            self._clock.start()
        self._watchdog.start()
        try:
            _Process(
                self.app, loglevel="WARN", quiet=True, override_logging=False, redirect_stdouts=False
            ).execute_from_commandline()
        except SystemExit as end:
            if end.code:
                raise
        finally:
            self.stop.set()
            self._watchdog.stop()
            self._clock.stop()

    @property
    def clock_off(self) -> float | None:
        """Seconds by which the brokers' clock differs from this host's; None before that is known."""
        return self._clock.off_by

    def in_engine(self, work: Callable[[], _T]) -> Awaitable[_T]:
        """``work`` in the thread that owns the engine, after what was given to it before."""
        return asyncio.get_running_loop().run_in_executor(self._engine_thread, work)

    def in_database(self, work: Callable[[psycopg.Connection], _T]) -> Awaitable[_T]:
        """``work`` on the session that commits, again until the database answers."""

        def attempt() -> _T:
            return work(self._storing.connection())

        return asyncio.get_running_loop().run_in_executor(self._commit_thread, lambda: until_done(attempt, self.stop))

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run ``work`` beside the rounds; an error in it ends the process."""

        async def guarded() -> None:
            try:
                await work
            except Exception as error:
                self.fail(error)

        task = asyncio.get_running_loop().create_task(guarded())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def fail(self, error: BaseException) -> None:
        """Something nobody thought of: say where, without a word of what the data were, and end the process at once.

        Nothing is lost: the ledger stands where the last round was committed.
        """
        if self.stop.is_set():
            return
        frames = [f"{f.filename.rsplit('/', 2)[-1]}:{f.lineno} {f.name}" for f in traceback.extract_tb(error.__traceback__)]
        said = str(error) if isinstance(error, StreamsError | DeviceError) else getattr(error, "sqlstate", None)
        _log.critical("the worker stops: start it again", error=type(error).__name__, said=said, frames=frames[-8:])
        os._exit(EXIT_FAILED)

    def _prepare(self, db: psycopg.Connection) -> None:
        prepare(db)
        if epochs := self.assignment.epochs():
            ledger.keep(db, self.settings.topic, epochs)

    def _make_app(self) -> Any:
        settings, codec = self.settings, register()
        scheme = NAME if settings.transport == "ledger" else "aiokafka"
        app = _App(
            settings.group,
            broker=[f"{scheme}://{address}" for address in settings.kafka.split(",")],
            store="memory://",
            broker_session_timeout=settings.session_s,
            broker_heartbeat_interval=settings.session_s / 12,
            broker_commit_interval=1.0,
            broker_max_poll_records=settings.round_records,
            consumer_auto_offset_reset="earliest",
            consumer_max_fetch_size=1 << 20,
            stream_wait_empty=False,
            topic_disable_leader=True,
            topic_allow_declare=False,
            web_enabled=False,
        )
        topic = app.topic(settings.topic, key_type=bytes, key_serializer="raw", value_type=None, value_serializer=codec)

        @app.agent(topic, concurrency=1)  # type: ignore[untyped-decorator]
        async def receive(stream: Any) -> None:
            async for event in stream.noack().events():
                try:
                    while self.assignment.full and not self.stop.is_set():  # stock transport: nothing else holds it back
                        await asyncio.sleep(_FULL_S)
                    self.assignment.receive(event)
                except Exception as error:
                    self.fail(error)

        @app.task  # type: ignore[untyped-decorator]
        async def rounds() -> None:
            try:
                await self._rounds()
            except Exception as error:
                self.fail(error)
            finally:
                await self._finish()

        @app.on_partitions_assigned.connect  # type: ignore[untyped-decorator]
        async def assigned(_app: Any, assigned: Iterable[Any], **_: Any) -> None:
            self.assignment.assign(frozenset(tp.partition for tp in assigned if tp.topic == settings.topic))

        @app.on_partitions_revoked.connect  # type: ignore[untyped-decorator]
        async def revoked(_app: Any, _revoked: Iterable[Any], **_: Any) -> None:
            self.assignment.revoke()

        return app

    async def _rounds(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.assignment.arrived.wait(), _IDLE_S)
            self.assignment.watch()
            await asyncio.sleep(self.settings.round_wait_ms / 1000)
            # between collecting and giving to the engine's thread nothing may be awaited: a partition could be dropped
            known = self.assignment.collect(known=True)
            if known.items:
                begin = time.monotonic()
                await self.in_engine(lambda blocks=known.blocks: self.rounds.refold(blocks))  # type: ignore[misc]
                self.assignment.took(known.items, time.monotonic() - begin)
                self.assignment.release(known.items)
            fresh = self.assignment.collect(known=False)
            if fresh.items:
                begin = time.monotonic()
                todo = await self.in_engine(lambda b=fresh: self.rounds.compute(b.blocks, b.epochs, b.save))  # type: ignore[misc]
                self.assignment.took(fresh.items, time.monotonic() - begin)
                self.assignment.saved(todo.snapshots)
                if self._commit is not None:
                    await self._commit
                self._commit = asyncio.create_task(self._store(todo, fresh.items))

    async def _store(self, todo: RoundToStore, items: list[Item]) -> None:
        try:
            begin = time.monotonic()
            with metrics.COMMIT.time():
                stored = await self.in_database(
                    lambda db: store_round(db, self.settings.topic, self.topic_id, todo, self.fold, self._readings)
                )
            self.assignment.took(items, time.monotonic() - begin)
            self.assignment.lost(todo.moves, stored.lost)
            self.assignment.release(items)
            count(todo, stored)
        except Exception as error:
            self.fail(error)

    async def _finish(self) -> None:
        """Let the round that commits come to its end; what is not committed is read again by whoever is next."""
        if self._commit is not None:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(asyncio.shield(self._commit), LAST_COMMIT_S)
        self.stop.set()


def count(todo: RoundToStore, stored: Stored) -> None:
    """What a committed round adds to the metrics."""
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
    now = time.time_ns() // 1_000_000
    metrics.BEHIND.set((now - max(move.append for move in todo.moves)) / 1000)
    live = writes.accepted & (writes.round.records["lane"][writes.round.record] == Lane.LIVE)
    LATENCY.observe(now - writes.round.samples["time"][live])


def run(settings: WorkerSettings, stages: Sequence[Stage], fold: FoldConditions) -> None:
    """Be a worker until asked to stop.  ``stages`` bring the rules, ``fold`` makes alarms of their conditions.

    Raises:
        StreamsError: a setting does not fit; the message is one sentence that says what to do.
    """
    keep_memory()
    metrics.serve(settings.metrics_port)
    Worker(settings, stages, fold).run()
