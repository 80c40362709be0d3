"""The one reader of a process: it reads the whole list on each hint and every half second, for however many desks."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any, Final

import structlog
from psycopg import AsyncConnection, Error

from alerts.desk.metrics import Metrics
from alerts.desk.settings import DeskSettings
from alerts.desk.worklist.lines import Line, lines_of, view
from alerts.desk.worklist.read import OpenIdentity, Wards, read_quick, read_sparks, read_standing
from alerts.desk.worklist.snapshot import Snapshot

_STANDING_S: Final = 5.0
_SPARKS_S: Final = 30.0
_WHOLE_EVERY: Final = 10  # of the sparkline reads one is whole: late data changes old points
_LEAST_S: Final = 0.1
"""However many hints there are, there are no more than ten reads a second."""
_STATEMENT_MS: Final = 10_000
_log = structlog.get_logger("alerts.desk.worklist.reader")


class Reader:
    """``snapshot`` is the newest list read; ``None`` until the first read."""

    def __init__(self, settings: DeskSettings, identity: OpenIdentity, metrics: Metrics) -> None:
        self.snapshot: Snapshot | None = None
        self.read_monotonic = 0.0
        self._settings, self._identity, self._metrics = settings, identity, metrics
        self._lines: tuple[Line, ...] = ()
        self._views: dict[frozenset[int], tuple[Line, ...]] = {}
        self._hint, self._changed = asyncio.Event(), asyncio.Condition()
        self._config = asyncio.Condition()
        self._begun = 0
        self._wanted_standing = True

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Reads and listens until left."""
        tasks = [asyncio.create_task(self._forever(self._read), name="desk reader"),
                 asyncio.create_task(self._forever(self._listen), name="desk listener")]  # fmt: skip
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def view(self, teams: frozenset[int]) -> tuple[Line, ...]:
        """What somebody of these teams sees of the newest list, in order."""
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

    async def refresh(self, *, standing: bool = False, timeout: float = 3.0) -> Snapshot | None:
        """A snapshot whose read began after this call: what the caller committed is in it."""
        self._wanted_standing |= standing
        begun = self._begun
        self._hint.set()
        return await self.wait(begun, timeout)

    async def config_hint(self, timeout: float) -> None:
        """Return when some gateway's configuration may have changed, at the latest after ``timeout`` seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout), self._config:
                await self._config.wait()

    async def _connect(self) -> AsyncConnection[Any]:
        options = f"-c statement_timeout={_STATEMENT_MS}"
        return await AsyncConnection.connect(
            self._settings.database, autocommit=True, connect_timeout=5, application_name="vigil desk", options=options
        )

    async def _forever(self, work: Any) -> None:
        while True:
            try:
                async with await self._connect() as connection:
                    await work(connection)
            except (Error, OSError, TimeoutError) as error:
                self._metrics.read_failures.inc()
                _log.warning("the list cannot be read", error=type(error).__name__)
                await asyncio.sleep(1)

    async def _listen(self, connection: AsyncConnection[Any]) -> None:
        await connection.execute("LISTEN vigil_alarm")
        await connection.execute("LISTEN vigil_config")
        self._hint.set()
        while True:
            async for notice in connection.notifies(timeout=60):
                if notice.channel == "vigil_alarm":
                    self._hint.set()
                else:
                    async with self._config:
                        self._config.notify_all()
            await connection.execute("SELECT 1")  # a connection that died silently is found here

    async def _read(self, connection: AsyncConnection[Any]) -> None:
        standing, sparks = Wards(), 0
        standing_due = sparks_due = 0.0
        while True:
            began = time.monotonic()
            self._begun += 1
            number = self._begun
            self._hint.clear()
            if began >= standing_due or self._wanted_standing:
                self._wanted_standing = False
                await read_standing(connection, standing, self._identity)
                standing_due = began + _STANDING_S
            if began >= sparks_due:
                await read_sparks(connection, standing, whole=sparks % _WHOLE_EVERY == 0)
                sparks, sparks_due = sparks + 1, began + _SPARKS_S
            snapshot = await read_quick(connection, number, standing)
            lines = lines_of(snapshot)
            async with self._changed:
                self.snapshot, self._lines, self._views = snapshot, lines, {}
                self.read_monotonic = time.monotonic()
                self._changed.notify_all()
            self._measure(snapshot, time.monotonic() - began)
            await asyncio.sleep(max(0.0, began + _LEAST_S - time.monotonic()))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._hint.wait(), max(0.0, began + self._settings.read_every_s - time.monotonic()))

    def _measure(self, snapshot: Snapshot, seconds: float) -> None:
        self._metrics.reads.observe(seconds)
        if snapshot.data_at is not None:
            self._metrics.data_age.set((snapshot.read_at - snapshot.data_at) / 1000)
        for category in ("physiological", "technical"):
            self._metrics.alarms.labels(category).set(sum(a.category == category for a in snapshot.alarms))
