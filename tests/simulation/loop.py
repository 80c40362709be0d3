"""One process: asyncio on virtual time, so that the product's own coroutines run in it unchanged.

A process can be killed at any event (nothing of it runs again), and frozen (all its callbacks wait, as under SIGSTOP).
"""

from __future__ import annotations

import asyncio
import asyncio.events
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from contextvars import Context
from typing import Any, Final, Self, TypeVar, TypeVarTuple

from tests.simulation.scheduler import Scheduler

_T = TypeVar("_T")
_Ts = TypeVarTuple("_Ts")

_AT_ONCE: Final = 100_000
"""So many callbacks without any time passing are an endless loop."""
_BURIALS: Final = 5
_THREAD_S: Final = (0.001, 0.001, 0.001, 0.001, 0.01, 0.01, 0.1, 1.0)
"""What a thread does takes one of these."""


class Killed(BaseException):
    """Raised where a process dies in the middle of a callback; nothing of the product catches it."""


class ProcessLoop(asyncio.AbstractEventLoop):
    """``on_error`` is told what nobody caught.  ``unwinding``: it is dead, and its coroutines are let go of."""

    def __init__(self, scheduler: Scheduler, on_error: Callable[[BaseException], None]) -> None:
        self.scheduler, self.on_error = scheduler, on_error
        self.dead = self.unwinding = self.frozen = False
        self._ready: deque[asyncio.Handle] = deque()
        self._tasks: dict[asyncio.Task[Any], None] = {}
        self._turning = False

    @classmethod
    def made(cls, scheduler: Scheduler, on_error: Callable[[BaseException], None]) -> Self:
        """A loop that has no more of asyncio's than a simulated process asks for."""
        return cls(scheduler, on_error)

    # what asyncio asks of a loop

    def time(self) -> float:
        return self.scheduler.seconds

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return not self.dead

    def is_closed(self) -> bool:
        return False

    def call_soon(self, callback: Callable[[*_Ts], object], *args: *_Ts, context: Context | None = None) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._put(handle)
        return handle

    call_soon_threadsafe = call_soon

    def call_later(
        self, delay: float, callback: Callable[[*_Ts], object], *args: *_Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[[*_Ts], object], *args: *_Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        self.scheduler.at(round(when * 1e6), lambda: self._put(handle))
        return handle

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        pass

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(self, coro: Any, *, name: object = None, context: Context | None = None) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.Task(coro, loop=self, name=str(name), context=context)
        self._tasks[task] = None
        task.add_done_callback(self._done)
        return task

    def run_in_executor(self, executor: Executor | None, func: Callable[[*_Ts], _T], *args: *_Ts) -> asyncio.Future[_T]:
        """A thread that answers a little later, or much."""
        future: asyncio.Future[_T] = self.create_future()

        def work() -> None:
            if future.done():
                return
            try:
                future.set_result(func(*args))
            except Exception as error:
                future.set_exception(error)

        self.call_later(self.scheduler.nonces.choice(_THREAD_S), work)
        return future

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if not self.dead and error is not None and not isinstance(error, Killed):
            self.on_error(error)

    # what a process suffers

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Begin ``work``; an error it ends with is told."""
        task = self.create_task(work)
        task.add_done_callback(self._tell)
        return task

    def freeze(self) -> None:
        self.frozen = True

    def thaw(self) -> None:
        self.frozen = False
        if self._ready:
            self.scheduler.at(self.scheduler.now, self._turn)

    def kill(self) -> None:
        """Nothing of it runs any more.  Its coroutines are unwound, cut off from the world: whoever kills has to see to
        that.
        """
        if not self.dead:
            self.dead = True
            self._ready.clear()
            self.scheduler.at(self.scheduler.now, self._bury)

    def _put(self, handle: asyncio.Handle) -> None:
        if self.dead and not self.unwinding:
            return
        self._ready.append(handle)
        if not self.frozen and not self._turning and not self.dead and len(self._ready) == 1:
            self.scheduler.at(self.scheduler.now, self._turn)

    def _turn(self) -> None:
        self._turning = True
        asyncio.events._set_running_loop(self)
        try:
            for _ in range(_AT_ONCE):
                if not self._ready or self.frozen or (self.dead and not self.unwinding):
                    return
                handle = self._ready.popleft()
                if not handle._cancelled:
                    handle._run()
            raise AssertionError("a process turns without any time passing")
        finally:
            asyncio.events._set_running_loop(None)
            self._turning = False

    def _bury(self) -> None:
        self.frozen, self.unwinding = False, True
        for _ in range(_BURIALS):
            for task in list(self._tasks):
                task.cancel()
            self._turn()
            if not self._tasks:
                break
        self.unwinding = False
        self._ready.clear()

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.pop(task, None)

    def _tell(self, task: asyncio.Task[Any]) -> None:
        if not self.dead and not task.cancelled() and (error := task.exception()) is not None:
            self.on_error(error)
        elif self.dead and not task.cancelled():
            task.exception()
