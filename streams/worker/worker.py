"""The worker: one process that reads the log with Faust and stores it, one transaction a round.

Three threads: Faust's event loop, the one that owns the engine (:class:`streams.worker.rounds.Rounds`), and the one that
commits.  While one round commits the next is computed.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from typing import Any, Final

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
from streams.store.conditions import FoldConditions
from streams.store.data_keys import DatabaseKeyRing
from streams.store.session import Session
from streams.store.staging import prepare
from streams.worker.allocator import keep_memory
from streams.worker.app import Process, make_app
from streams.worker.loop import Loop
from streams.worker.places import Places
from streams.worker.ports import Surroundings
from streams.worker.queue import Queue
from streams.worker.rounds import Rounds
from streams.worker.settings import WorkerSettings
from streams.worker.threads import WorkerThreads
from streams.worker.watchdog import Watchdog

SWITCH_S: Final = 0.0005
"""A thread that computes gives the interpreter away after so long (default 5 ms): what arrives goes through several threads,
and waited that long at each while a backlog was computed (docs/decisions/0168).  The processor hardly notices."""
BROKERS_S: Final = 60.0
"""A worker that starts waits so long for the brokers."""


def run(
    settings: WorkerSettings, stages: Sequence[Stage], fold: FoldConditions, surroundings: Surroundings | None = None
) -> None:
    """Be a worker until SIGTERM or SIGINT.  ``stages`` bring the rules, ``fold`` makes alarms of their conditions.

    Raises:
        StreamsError: a setting does not fit, or no broker answers; the message is one sentence that says what to do.
    """
    keep_memory()
    sys.setswitchinterval(SWITCH_S)
    metrics.serve(settings.metrics_port)
    surroundings, stop, topic = surroundings or Surroundings(), threading.Event(), settings.topic
    brokers, clock = Log(settings.kafka, topic), surroundings.clock
    places = Places(Queue(settings, clock), clock, settings.snapshot_s, _wait_for(brokers, settings.kafka))

    def prepare_session(db: psycopg.Connection) -> None:
        prepare(db)
        if epochs := places.epochs():
            ledger.keep(db, topic, epochs)

    def assigned() -> frozenset[int]:
        return places.assigned

    def consumer() -> Any:
        return app.consumer

    def keys_session() -> psycopg.Connection:
        return reading.connection()

    keys = DatabaseKeyRing(keys_session, read_master_key(settings.master_key_file))
    reading = Session(settings.database, keys.check_master)

    def announcing_key() -> tuple[int, bytes] | None:
        try:
            return keys.of_partitions(Session(settings.database).connection())
        except psycopg.Error:
            return None  # nobody announces anything: the stop is reported

    rounds = Rounds(Engine(stages), keys, reading, topic, stop, surroundings.statements)
    threads = WorkerThreads(brokers, Session(settings.database, prepare_session), stop)
    clock_records = ClockRecords(settings.kafka, topic, assigned, settings.silence_min, clock, announcing_key)
    loop = Loop(settings, places, rounds, fold, threads, consumer, lambda: clock_records.off_by, surroundings)
    app: Any = make_app(settings, loop, threads.fail, stop)
    watchdog = Watchdog(settings.database, brokers, topic, assigned, settings.watchdog_s)
    if settings.clock:
        clock_records.start()
    watchdog.start()
    try:
        Process(app, loglevel="WARN", quiet=True, override_logging=False, redirect_stdouts=False).execute_from_commandline()
    except SystemExit as end:
        if end.code:
            raise
    finally:
        stop.set()
        watchdog.stop()
        clock_records.stop()


def _wait_for(brokers: Log, bootstrap: str) -> str:
    """The topic's id, once a broker answers."""
    try:
        for one in stamina.retry_context(on=(KafkaException, TimeoutError), attempts=None, timeout=BROKERS_S):
            with one:
                return brokers.topic_id()
    except (KafkaException, TimeoutError):
        pass
    raise BrokersAwayError(bootstrap, BROKERS_S)
