"""The worker: one process that reads the log with Faust and stores it, one transaction a round.

Three threads: Faust's event loop, the one that owns the engine (:class:`streams.worker.rounds.Rounds`), and the one that
commits.  While one round commits the next is computed.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Final

import psycopg
import stamina
from confluent_kafka import KafkaException

from devices.wire.keys import read_master_key
from streams import metrics
from streams.engine.engine import Engine
from streams.engine.stage import Stage
from streams.errors import BrokersAwayError
from streams.kafka.clock_records import ClockRecords
from streams.kafka.log import Log
from streams.store import ledger
from streams.store.data_keys import DatabaseKeyRing
from streams.store.session import Session
from streams.store.staging import prepare
from streams.store.store import FoldConditions
from streams.worker.allocator import keep_memory
from streams.worker.app import Process, make_app
from streams.worker.loop import Loop
from streams.worker.ports import Surroundings
from streams.worker.rounds import Rounds
from streams.worker.settings import WorkerSettings
from streams.worker.threads import WorkerThreads
from streams.worker.watchdog import Watchdog

BROKERS_S: Final = 60.0
"""How long a worker that starts waits for the brokers."""


class Worker:
    """Everything one process does.

    Raises:
        StreamsError: a setting does not fit, or no broker answers; the message says which.
    """

    def __init__(
        self,
        settings: WorkerSettings,
        stages: Sequence[Stage],
        fold: FoldConditions,
        surroundings: Surroundings | None = None,
    ) -> None:
        surroundings = surroundings or Surroundings()
        brokers = Log(settings.kafka, settings.topic)
        try:
            for one in stamina.retry_context(on=(KafkaException, TimeoutError), attempts=None, timeout=BROKERS_S):
                with one:
                    topic_id = brokers.topic_id()
        except (KafkaException, TimeoutError):
            raise BrokersAwayError(settings.kafka, BROKERS_S) from None
        self._topic, self._stop = settings.topic, threading.Event()
        reading = Session(settings.database)
        keys = DatabaseKeyRing(reading.connection, read_master_key(settings.master_key_file))
        rounds = Rounds(Engine(stages), keys, reading, settings.topic, self._stop, surroundings.statements)
        threads = WorkerThreads(brokers, Session(settings.database, self._prepare), self._stop)
        self._clock_records = ClockRecords(
            settings.kafka, settings.topic, self._assigned, silence_min=settings.silence_min, clock=surroundings.clock
        )
        self._loop = Loop(
            settings,
            topic_id,
            rounds,
            fold,
            threads,
            feed=lambda: self._app.consumer,
            skew=lambda: self._clock_records.off_by,
            surroundings=surroundings,
        )
        self._app = make_app(settings, self._loop, threads.fail, self._stop)
        self._watchdog = Watchdog(settings.database, brokers, settings.topic, self._assigned, settings.watchdog_s)
        self._appends_clock = settings.clock

    def run(self) -> None:
        """Work until SIGTERM or SIGINT."""
        if self._appends_clock:
            self._clock_records.start()
        self._watchdog.start()
        try:
            Process(
                self._app, loglevel="WARN", quiet=True, override_logging=False, redirect_stdouts=False
            ).execute_from_commandline()
        except SystemExit as end:
            if end.code:
                raise
        finally:
            self._stop.set()
            self._watchdog.stop()
            self._clock_records.stop()

    def _assigned(self) -> frozenset[int]:
        return self._loop.places.assigned

    def _prepare(self, db: psycopg.Connection) -> None:
        prepare(db)
        if epochs := self._loop.places.epochs():
            ledger.keep(db, self._topic, epochs)


def run(
    settings: WorkerSettings,
    stages: Sequence[Stage],
    fold: FoldConditions,
    surroundings: Surroundings | None = None,
) -> None:
    """Be a worker until asked to stop.  ``stages`` bring the rules, ``fold`` makes alarms of their conditions.

    Raises:
        StreamsError: a setting does not fit; the message is one sentence that says what to do.
    """
    keep_memory()
    metrics.serve(settings.metrics_port)
    Worker(settings, stages, fold, surroundings).run()
