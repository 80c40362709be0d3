"""The one reader of a process: it reads the whole list on each hint and every half second, for all desks together."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any, Final

import structlog
from psycopg import AsyncConnection, OperationalError

from alerts.care.people import SESSIONS_CHANNEL
from alerts.desk.metrics import Metrics
from alerts.desk.settings import DeskSettings
from alerts.desk.worklist.isolated import lines_of_each
from alerts.desk.worklist.lines import Line, view
from alerts.desk.worklist.read import SlowParts, read_quick, read_slow_parts, read_sparks
from alerts.desk.worklist.rows import OpenIdentity
from alerts.desk.worklist.snapshot import Fault, Snapshot
from alerts.supervision import Supervisor
from devices.database_session import session_options

_SLOW_S: Final = 5.0
_SPARKS_S: Final = 30.0
_WHOLE_EVERY: Final = 10  # one of so many sparkline reads is whole: late data changes old points
_LEAST_S: Final = 0.1
"""At most ten reads a second, whatever the number of hints."""
_STATEMENT_S: Final = 10
OLD_S: Final = 5.0
"""A list that was read longer ago is not what is: health and the pages say so."""
_LONGEST_PAUSE_S: Final = 5.0
_log = structlog.get_logger("alerts.desk.worklist.reader")


class Reader:
    """``snapshot`` is the newest list; ``None`` until the first read.  ``supervisor`` keeps the desk's tasks running.

    ``sessions`` grows whenever sessions or memberships ended: a stream then looks whether its own still stands.
    """

    def __init__(self, settings: DeskSettings, identity: OpenIdentity, metrics: Metrics) -> None:
        self.snapshot: Snapshot | None = None
        self.read_monotonic = 0.0
        self._settings, self._identity, self._metrics = settings, identity, metrics
        self._lines: tuple[Line, ...] = ()
        self._views: dict[frozenset[int], tuple[Line, ...]] = {}
        self._hint, self._changed = asyncio.Event(), asyncio.Condition()
        self._config = asyncio.Condition()
        self.supervisor = Supervisor(metrics.part_failures, (OperationalError, OSError), longest_s=_LONGEST_PAUSE_S)
        self.sessions = 0
        self._faults: frozenset[Fault] = frozenset()
        self._begun = 0
        self._slow_wanted = True

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Read and listen while the context lasts."""
        parts = {"list reader": self._read, "listener": self._listen}
        tasks = [asyncio.create_task(self.supervisor.keep(n, partial(self._connected, p)), name=n) for n, p in parts.items()]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def view(self, teams: frozenset[int]) -> tuple[Line, ...]:
        """The lines of the newest list that members of these teams see, in order."""
        if teams not in self._views and self.snapshot is not None:
            self._views[teams] = view(self.snapshot, self._lines, teams)
        return self._views.get(teams, ())

    async def wait(self, after: int, timeout: float) -> Snapshot | None:
        """The newest snapshot once its number is greater than ``after``; ``None`` after ``timeout`` seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout), self._changed:
                await self._changed.wait_for(lambda: self.snapshot is not None and self.snapshot.number > after)
                return self.snapshot
        return None

    async def refresh(self, *, slow: bool = False, timeout: float = 3.0) -> Snapshot | None:
        """A snapshot read after this call, so it holds what the caller committed; ``slow``: read the slow parts too."""
        self._slow_wanted |= slow
        begun = self._begun
        self._hint.set()
        return await self.wait(begun, timeout)

    async def config_hint(self, timeout: float) -> None:
        """Return when the configuration of some gateway may have changed, at the latest after ``timeout`` seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout), self._config:
                await self._config.wait()

    async def _connect(self) -> AsyncConnection[Any]:
        bounds: Any = session_options("vigil desk", statement_s=_STATEMENT_S)
        return await AsyncConnection.connect(self._settings.database, autocommit=True, **bounds)

    async def _connected(self, work: Callable[[AsyncConnection[Any]], Awaitable[None]]) -> None:
        async with await self._connect() as connection:
            await work(connection)

    async def _listen(self, connection: AsyncConnection[Any]) -> None:
        await connection.execute("LISTEN vigil_alarm")
        await connection.execute("LISTEN vigil_config")
        await connection.execute(f"LISTEN {SESSIONS_CHANNEL}")
        self._hint.set()
        while True:
            async for notice in connection.notifies(timeout=60):
                if notice.channel == "vigil_alarm":
                    self._hint.set()
                elif notice.channel == SESSIONS_CHANNEL:
                    self.sessions += 1
                else:
                    async with self._config:
                        self._config.notify_all()
            await connection.execute("SELECT 1")  # fails if the connection has died silently

    async def _read(self, connection: AsyncConnection[Any]) -> None:
        parts, sparks = SlowParts(), 0
        slow_due = sparks_due = 0.0
        while True:
            began = time.monotonic()
            self._begun += 1
            number = self._begun
            self._hint.clear()
            if began >= slow_due or self._slow_wanted:
                self._slow_wanted = False
                await read_slow_parts(connection, parts, self._identity)
                slow_due = began + _SLOW_S
            if began >= sparks_due:
                await read_sparks(connection, parts, whole=sparks % _WHOLE_EVERY == 0)
                sparks, sparks_due = sparks + 1, began + _SPARKS_S
            snapshot, lines = lines_of_each(await read_quick(connection, number, parts))
            async with self._changed:
                self.snapshot, self._lines, self._views = snapshot, lines, {}
                self.read_monotonic = time.monotonic()
                self._changed.notify_all()
            self._measure(snapshot, time.monotonic() - began)
            await asyncio.sleep(max(0.0, began + _LEAST_S - time.monotonic()))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._hint.wait(), max(0.0, began + self._settings.read_every_s - time.monotonic()))

    @property
    def age_s(self) -> float | None:
        """Seconds since the list was read; ``None`` before the first read."""
        return time.monotonic() - self.read_monotonic if self.snapshot else None

    def _say_faults(self, snapshot: Snapshot) -> None:
        """Log each fault once; the metric holds their number."""
        found = frozenset(snapshot.faults)
        for fault in sorted(found - self._faults, key=lambda fault: (fault.patient, fault.what)):
            _log.error("stored data cannot be read: run vigil doctor", patient=fault.patient, what=fault.what)
        self._faults = found
        self._metrics.faults.set(len(found))

    def _measure(self, snapshot: Snapshot, seconds: float) -> None:
        self._metrics.reads.observe(seconds)
        self._say_faults(snapshot)
        if snapshot.data_at is not None:
            self._metrics.data_age.set((snapshot.read_at - snapshot.data_at) / 1000)
        for category in ("physiological", "technical"):
            self._metrics.alarms.labels(category).set(sum(a.category == category for a in snapshot.alarms))
