"""The threads of a worker beside Faust's event loop: one owns the engine, one commits; brokers are asked in others."""

from __future__ import annotations

import asyncio
import os
import threading
import traceback
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import psycopg
import structlog

from devices.errors import DeviceError
from streams.errors import StreamsError
from streams.store.session import Session, until_done
from streams.worker.ports import Brokers, T

EXIT_FAILED: Final = 70

_log = structlog.get_logger(__name__)


class WorkerThreads:
    """See :class:`streams.worker.ports.Threads`.  ``stop``: the worker is asked to end."""

    def __init__(self, brokers: Brokers, session: Session, stop: threading.Event) -> None:
        self._brokers, self._session, self._stop = brokers, session, stop
        self._engine_thread = ThreadPoolExecutor(1, "engine")
        self._commit_thread = ThreadPoolExecutor(1, "commit")
        self._tasks: set[asyncio.Task[None]] = set()

    def ask_brokers(self, question: Callable[[Brokers], T]) -> Awaitable[T]:
        return asyncio.to_thread(question, self._brokers)

    def in_engine(self, work: Callable[[], T]) -> Awaitable[T]:
        return asyncio.get_running_loop().run_in_executor(self._engine_thread, work)

    def in_database(self, work: Callable[[psycopg.Connection], T]) -> Awaitable[T]:
        def attempt() -> T:
            return work(self._session.connection())

        return asyncio.get_running_loop().run_in_executor(self._commit_thread, lambda: until_done(attempt, self._stop))

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        async def guarded() -> None:
            try:
                await work
            except Exception as error:
                self.fail(error)

        task = asyncio.get_running_loop().create_task(guarded())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def fail(self, error: BaseException) -> None:
        """Log where, without a word of what the data were, and end the process at once.

        Nothing is lost: the ledger stands where the last round was committed.
        """
        if self._stop.is_set():
            return
        frames = [f"{f.filename.rsplit('/', 2)[-1]}:{f.lineno} {f.name}" for f in traceback.extract_tb(error.__traceback__)]
        message = str(error) if isinstance(error, StreamsError | DeviceError) else getattr(error, "sqlstate", None)
        _log.critical("the worker stops: start it again", error=type(error).__name__, message=message, frames=frames[-8:])
        os._exit(EXIT_FAILED)
