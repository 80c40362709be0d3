"""Ends a worker that does not work though it could: Faust's consumers and threads are known to stall without a word.

*Cannot* is no reason to end it: a new process would find the same.  So the watchdog tries by itself what the worker needs.
Only a look at which the brokers and the database answer, the database takes writes, and no attempt of the worker has just
failed, is evidence.  A partition whose ledger stood still while its lag grew, at every look for
``watchdog_s``, is one the worker *does not* move.

The looks are counted, not the seconds: who was stopped for a minute has not stood still for a minute.  And where the thread
itself gets no turn any more, because something holds the interpreter's lock, the interpreter's own timer ends the process.
"""

from __future__ import annotations

import faulthandler
import os
import sys
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

import psycopg
import structlog
from confluent_kafka import KafkaException

from streams.kafka.log import Log
from streams.store import ledger
from streams.store.session import Session, in_trouble

EXIT_STUCK: Final = 71
LOOKS: Final = 10
"""Looks in ``watchdog_s``."""
_MARGIN: Final = 3
"""The interpreter's timer is for what this thread cannot see, and slower."""

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Standstill:
    """A partition seen to stand at ``offset`` in so many ``looks``, ``lag`` records behind at the first."""

    offset: int
    lag: int
    looks: int = 0


class Watchdog:
    """Runs in a thread of its own until :meth:`stop`; ``partitions`` is asked at each look."""

    def __init__(
        self, database: str, log: Log, topic: str, partitions: Callable[[], Collection[int]], limit_s: float
    ) -> None:
        self._session, self._log, self._topic, self._partitions = Session(database), log, topic, partitions
        self._limit_s = limit_s
        self._standstills: dict[int, Standstill] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        faulthandler.cancel_dump_traceback_later()

    def _run(self) -> None:
        while True:
            faulthandler.dump_traceback_later(self._limit_s * _MARGIN, exit=True)
            if self._stopping.wait(self._limit_s / LOOKS):
                faulthandler.cancel_dump_traceback_later()
                return
            if stuck := self._look():
                where = {thread.name: _frame(thread.ident) for thread in threading.enumerate() if thread.name in _NAMED}
                _log.critical("the worker does not move though it could: it ends, start it again", **stuck, threads=where)
                os._exit(EXIT_STUCK)

    def _look(self) -> dict[str, int] | None:
        """The worst partition, where one is stuck."""
        try:
            held = None if in_trouble(self._limit_s / LOOKS) else self._held()
            ends = self._log.ends(held) if held else {}
        except (psycopg.Error, KafkaException, TimeoutError):
            held = None
        if not held:
            self._standstills.clear()
            return None
        before, self._standstills = self._standstills, {}
        for partition, offset in held.items():
            was, lag = before.get(partition), ends[partition] - offset
            if was is None or was.offset != offset or lag <= 0:
                was = Standstill(offset, lag)
            was.looks += 1
            if was.looks > LOOKS and lag > was.lag:
                return {"partition": partition, "offset": offset, "lag": lag}
            self._standstills[partition] = was
        return None

    def _held(self) -> dict[int, int] | None:
        """The next offsets of this worker's partitions, but for damaged ones; ``None``: the database takes no writes."""
        db = self._session.connection()
        (read_only,) = db.execute("SELECT current_setting('transaction_read_only')::bool").fetchone() or (True,)
        if read_only:
            return None
        mine = set(self._partitions())
        return {p: one.offset for p, one in ledger.read(db, self._topic).items() if p in mine and one.damage is None}


_NAMED: Final = ("MainThread", "engine_0", "commit_0")


def _frame(thread: int | None) -> str:
    frame = sys._current_frames().get(thread or 0)
    if frame is None:
        return "gone"
    return f"{frame.f_code.co_filename.rsplit('/', 1)[-1]}:{frame.f_lineno} {frame.f_code.co_name}"
