"""The outbox: every reading acknowledged to a device is in it, on disk, until Kafka has it.

One thread writes.  The commands that came while it was syncing the disk are committed together, with one more sync: each
acknowledgement is a commit, and still thousands of readings a second fit.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import structlog

from devices.gatt.dialogue import Cursor
from devices.wire.batch import Lane
from gateway.clock import GatewayClock
from gateway.errors import OutboxClosedError, OutboxError, OutboxFullError
from gateway.outbox.opening import open_or_salvage
from gateway.outbox.reading import OutboxRow, Reading, Refusal
from gateway.outbox.store import Stats, Store, is_damage

_Result = TypeVar("_Result")
_Answer = tuple[asyncio.Future[Any], Any]

KEPT_MS: Final = 24 * 3600 * 1000
"""Time for which delivered readings are kept for re-sending."""
NEARLY_FULL: Final = 0.8
_GROUP: Final = 512
_QUEUE: Final = 4096
_SHED: Final = 2000
_RESENT: Final = 5000
_PRUNE_EVERY_S: Final = 60.0
_CLOCK_S: Final = 1.0
_EVER: Final = (1 << 62) - 1

_log: Final = structlog.get_logger(__name__)


class Outbox:
    """The store behind one thread.  Every method returns once its work is committed.

    ``limit`` is the size in bytes beyond which :meth:`put` raises :class:`OutboxFullError`.  Before that, delivered readings
    are deleted even within their 24 hours; a reading that is still to be delivered never is.

    A file that is damaged, or known to be for the reason ``damage``, is salvaged: ``salvaged`` says what came of it.
    """

    def __init__(
        self,
        path: Path,
        *,
        limit: int = 1 << 30,
        clock: GatewayClock | None = None,
        open_store: Callable[[Path, int], Store] = Store,
        damage: str = "",
    ) -> None:
        self._clock = clock or GatewayClock("assumed")
        self._store, self.salvaged = open_or_salvage(path, limit, open_store, damage=damage)
        self.damaged: Final = asyncio.Event()
        """Set once SQLite has found the file damaged: close this outbox, and open a new one with ``damage``."""
        self.damage = ""
        self.epoch: Final = self._store.epoch
        self.stored: Final = asyncio.Event()
        """Set whenever readings were stored or released; the task that waits for it clears it."""
        self._commands: queue.Queue[tuple[Callable[[], Any], asyncio.Future[Any]] | None] = queue.Queue(_QUEUE)
        self._closed = False
        self._was_nearly_full = False
        self._begin()

    def _begin(self) -> None:
        self._thread = threading.Thread(target=self._work, name="outbox", daemon=True)
        self._thread.start()

    async def put(self, readings: Sequence[Reading]) -> list[bool]:
        """Store readings: all of them are on disk when this returns.  False for a record that was stored before.

        Raises :class:`OutboxFullError` (none is stored), :class:`OutboxError` when the disk fails.
        """
        answers: list[bool] = await self._do(lambda: self._put(readings))
        self.stored.set()
        return answers

    async def has_room(self) -> bool:
        """Return True if :meth:`put` would take readings now; ask before fetching from a device that cannot send again."""
        return await self._do(lambda: self._make_room() < self._store.limit)

    async def refuse(self, refusal: Refusal) -> None:
        """Keep bytes that could not be decoded, with the reason."""
        await self._do(lambda: self._store.refuse(refusal))

    async def cursor(self, device: int, profile: str) -> Cursor | None:
        """The newest record of a device's memory of which all before it are stored; None before the first."""
        return await self._do(lambda: self._store.cursors.of(device, profile))

    async def advance(self, device: int, profile: str, cursor: Cursor) -> None:
        """Move the cursor, once :meth:`put` has stored the records up to it."""
        await self._do(lambda: self._store.cursors.advance(device, profile, cursor))

    async def hold(self, address: str, user: int | None, reading: Reading) -> None:
        """Keep a reading of a user whom nobody has named; it does not leave the gateway."""
        await self._do(lambda: self._store.held.hold(address, user, reading))

    async def release_held(self, address: str, user: int, device: int, patient: int) -> int:
        """Store what was held of ``user``, who is known now; return the number."""
        released = await self._do(lambda: self._store.release_held(address, user, device, patient))
        self.stored.set()
        return released

    async def bound_user(self, device: int) -> int | None:
        """The user that a device paired without one belongs to; None before the first was seen."""
        return await self._do(lambda: self._store.held.bound(device))

    async def bind_user(self, device: int, user: int) -> None:
        """Remember the first user of a device."""
        await self._do(lambda: self._store.held.bind(device, user))

    async def stamp(self, limit: int = 1000) -> int:
        """Give times to readings that waited for the clock, once it is synchronised; return their number."""
        now = self._clock.now()
        return await self._do(lambda: self._store.stamp(now, limit)) if now.sure else 0

    async def take(
        self, limit: int, lane: Lane, patients: Sequence[int], *, live_ms: int = 60_000, own: bool = False
    ) -> list[OutboxRow]:
        """Take up to ``limit`` waiting readings of ``patients``, oldest received first.

        They are in flight until :meth:`delivered` or :meth:`release`.  Live means received in the last ``live_ms``.  ``own``
        takes only what the gateway says of itself.
        """
        since = self._clock.now().wall - live_ms
        return await self._do(lambda: self._store.take(limit, lane, patients, since, own=own))

    async def delivered(self, ids: Sequence[int]) -> None:
        """Mark readings as delivered: Kafka has acknowledged them."""
        now = self._clock.now().wall
        await self._do(lambda: self._store.delivered(ids, now))

    async def release(self, ids: Sequence[int]) -> None:
        """Let readings that were not delivered wait again, under the same identity and time."""
        await self._do(lambda: self._store.release(ids))
        self.stored.set()

    async def release_all(self) -> None:
        """Let everything in flight wait again, after an uplink that failed on its way."""
        await self._do(self._store.release_all)

    async def resend(self, request: int, since: int) -> int:
        """Send again the kept readings delivered since ``since`` (ms), once for each ``request``; return their number.

        It waits for the clock to be set: by a clock of last year nothing was delivered yet.  It does so in parts: others
        store readings meanwhile, and SQLite writes each change of a transaction twice.  An interrupted request starts again.
        """
        if await self.has_resent(request):
            return 0
        while not self._clock.synchronised():
            await asyncio.sleep(_CLOCK_S)
        until, count = self._clock.now().wall, 0
        while part := await self._do(lambda: self._store.resend(since, until, _RESENT)):
            count += part
            self.stored.set()
        await self._do(lambda: self._store.note_resent(request))
        return count

    async def has_resent(self, request: int) -> bool:
        """Return True if ``request`` was the last one obeyed."""
        return await self._do(lambda: self._store.has_resent(request))

    async def stats(self) -> Stats:
        return await self._do(self._store.stats)

    async def close(self) -> None:
        """Finish the waiting commands, then close the file."""
        if not self._closed:
            self._closed = True
            await asyncio.to_thread(self._commands.put, None)
            await asyncio.to_thread(self._thread.join, 30)

    async def _do(self, command: Callable[[], _Result]) -> _Result:
        future: asyncio.Future[_Result] = asyncio.get_running_loop().create_future()
        while not self._closed:
            try:
                self._commands.put_nowait((command, future))
            except queue.Full:
                await asyncio.sleep(0.01)
            else:
                return await future
        raise OutboxClosedError("the outbox is closed: the gateway is ending")

    def _make_room(self) -> int:
        """Delete delivered readings where too many bytes are used; return the bytes used."""
        used = self._store.used()
        while used >= self._store.limit and self._store.prune(_EVER, _SHED):
            used = self._store.used()
        nearly_full = used >= NEARLY_FULL * self._store.limit
        if nearly_full and not self._was_nearly_full:
            _log.warning("outbox nearly full", used_mb=used >> 20, limit_mb=self._store.limit >> 20)
        self._was_nearly_full = nearly_full
        return used

    def _put(self, readings: Sequence[Reading]) -> list[bool]:
        used = self._make_room()
        if used >= self._store.limit:
            raise OutboxFullError(used, self._store.limit)
        return self._store.put(readings)

    def _work(self) -> None:
        while self._serve(_PRUNE_EVERY_S):
            pass
        self._store.close()

    def _serve(self, wait: float) -> bool:
        """Commit the waiting commands, after ``wait`` seconds at the latest; return False after the last one."""
        group: list[tuple[Callable[[], Any], asyncio.Future[Any]]] = []
        last = False
        try:
            command = self._commands.get(timeout=wait)
            while command is not None and len(group) < _GROUP:
                group.append(command)
                command = self._commands.get_nowait()
            last = command is None
            if command is not None:
                group.append(command)
        except queue.Empty:
            pass
        self._commit(group)
        return not last

    def _commit(self, group: Sequence[tuple[Callable[[], Any], asyncio.Future[Any]]]) -> None:
        """Run the commands in one transaction; a command that fails undoes its own work alone."""
        answers: list[_Answer] = []
        try:
            self._store.begin()
            for command, future in group:
                answers.append((future, self._store.apart(command)))
            now = self._clock.now()
            if now.sure:  # by a clock that is ahead all would be older than a day
                self._store.prune(now.wall - KEPT_MS, _SHED)
                self._store.forget(now.wall)
            self._store.commit()
        except Exception as error:  # whatever it is: this thread must go on, or every source waits for ever
            self._store.rollback()
            if not isinstance(error, sqlite3.Error):
                _log.exception("a bug ended a commit of the outbox")
            else:
                _log.error("outbox commit failed", reason=str(error))
            failed = OutboxError(f"the outbox cannot be written ({error}): is the disk full?")
            answers = [(future, failed) for _, future in group]
            self.damage = str(error) if is_damage(error) else self.damage
        for future, answer in answers:
            try:
                future.get_loop().call_soon_threadsafe(_answer, future, answer)
                if self.damage:
                    future.get_loop().call_soon_threadsafe(self.damaged.set)
            except RuntimeError:  # the loop has ended, nothing waits
                continue


def _answer(future: asyncio.Future[Any], answer: Any) -> None:
    if future.done():
        return
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)
