"""A child process that cannot outlive us."""

from __future__ import annotations

import contextlib
import os
import pwd
import queue
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path

from deploy.stack.errors import ProgramMissingError, ServerNotReadyError

_LOG_LIMIT = 4 << 20
_POLL = 0.02


class Child:
    """A process whose output goes to a file, in a process group of its own, that ends when this process ends.

    The kernel sends `death_signal` when the *thread* that started the child ends (PR_SET_PDEATHSIG), however we die.
    So every child is started by one thread that lives as long as the process: a Child may be made from any thread.
    Ctrl-C in the terminal does not reach it; whoever made it stops it in order.
    """

    def __init__(
        self,
        name: str,
        args: Sequence[str | Path],
        log: Path,
        *,
        user: str | None = None,
        death_signal: str = "KILL",
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.name, self.log = name, log
        setpriv = shutil.which("setpriv")
        if not setpriv:
            raise ProgramMissingError("setpriv", "install the package util-linux")
        wrapper = [setpriv, "--pdeathsig", death_signal]
        if user:
            entry = pwd.getpwnam(user)
            wrapper += ["--reuid", str(entry.pw_uid), "--regid", str(entry.pw_gid), "--clear-groups"]
        command = [*wrapper, "--", *map(str, args)]
        if log.exists() and log.stat().st_size > _LOG_LIMIT:
            log.replace(log.with_name(f"{log.name}.1"))
        with log.open("ab") as out:
            self._log_start = out.tell()
            self.popen = _on_lasting_thread(
                lambda: subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=out,
                    process_group=0,
                    env={**os.environ, **(env or {})},
                )
            )

    @property
    def pid(self) -> int:
        return self.popen.pid

    @property
    def running(self) -> bool:
        return self.popen.poll() is None

    def memory(self) -> int:
        """Bytes held by the process and its descendants; pages they share are counted once (PSS)."""
        return sum(_pss(pid) for pid in _family(self.pid)) if self.running else 0

    def wait_until(self, ready: Callable[[], bool], timeout: float) -> None:
        """Return once `ready()`.

        Raises:
            ServerNotReadyError: the process ended, or `timeout` seconds have passed.
        """
        end = time.monotonic() + timeout
        while not ready():
            if not self.running:
                raise ServerNotReadyError(self.name, f"ended with status {self.popen.returncode}", self.log, self.tail())
            if time.monotonic() > end:
                raise ServerNotReadyError(self.name, f"was not ready in {timeout:.0f} s", self.log, self.tail())
            time.sleep(_POLL)

    def send(self, number: int) -> None:
        """Send a signal, if it still runs."""
        if self.running:
            self.popen.send_signal(number)

    def stop(self, number: int = signal.SIGTERM, timeout: float = 20) -> bool:
        """Ask it to end, wait at most `timeout` seconds, then kill it.  True if it ended by itself."""
        self.send(number)
        try:
            self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            return False
        return True

    def kill(self) -> None:
        """SIGKILL to the whole process group, and wait for the end."""
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
        self.popen.wait(10)

    def tail(self, size: int = 2000) -> str:
        """The end of what it has written to its log since this start, at most `size` bytes."""
        with self.log.open("rb") as file:
            file.seek(max(self._log_start, self.log.stat().st_size - size))
            return file.read().decode(errors="replace")


def _family(pid: int) -> list[int]:
    found, todo = [], [pid]
    while todo:
        found.append(todo[-1])
        tasks = Path(f"/proc/{todo.pop()}/task")
        with contextlib.suppress(OSError):
            for task in tasks.iterdir():
                with contextlib.suppress(OSError):
                    todo += map(int, (task / "children").read_text().split())
    return found


def _pss(pid: int) -> int:
    with contextlib.suppress(OSError, IndexError, ValueError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) << 10
    return 0


class _Starter:
    """The one thread that starts all children: a daemon, so that it ends with the process and not before."""

    def __init__(self) -> None:
        self._work: queue.SimpleQueue[tuple[Callable[[], subprocess.Popen[bytes]], Future[subprocess.Popen[bytes]]]]
        self._work = queue.SimpleQueue()
        threading.Thread(target=self._run, name="children", daemon=True).start()

    def start(self, work: Callable[[], subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
        answer: Future[subprocess.Popen[bytes]] = Future()
        self._work.put((work, answer))
        return answer.result(30)

    def _run(self) -> None:
        while True:
            work, answer = self._work.get()
            try:
                answer.set_result(work())
            except Exception as error:
                answer.set_exception(error)


_starter: _Starter | None = None
_starter_lock = threading.Lock()


def _on_lasting_thread(work: Callable[[], subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
    global _starter  # noqa: PLW0603  one for the process
    with _starter_lock:
        if _starter is None:
            _starter = _Starter()
        starter = _starter
    return starter.start(work)


def _forget_starter() -> None:
    # a forked process has no threads but its own
    global _starter, _starter_lock
    _starter, _starter_lock = None, threading.Lock()


os.register_at_fork(after_in_child=_forget_starter)
