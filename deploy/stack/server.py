"""A server that is started in place and ends with this process."""

from __future__ import annotations

import signal
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Self

from deploy.stack.child import Child
from deploy.stack.progress import Progress, silent


class Server(ABC):
    """A server, as stack, tests and benchmarks use it.  As a context manager it runs as long as its block."""

    name: str

    @property
    @abstractmethod
    def address(self) -> str: ...

    @abstractmethod
    def start(self, progress: Progress = silent) -> Self:
        """Start it and wait until it answers; does nothing when it runs.

        Raises:
            StackError: a program is missing, or the server does not come up.
        """

    @abstractmethod
    def stop(self) -> None: ...

    @abstractmethod
    def healthy(self) -> bool:
        """Return whether it answers now."""

    @abstractmethod
    def memory(self) -> int:
        """Bytes of all its processes."""

    @abstractmethod
    def version(self) -> str: ...

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


class SingleServer(Server):
    """A server of one child, whose files are in `home`."""

    log: ClassVar[str]
    start_s: ClassVar[float] = 20
    death_signal: ClassVar[str] = "KILL"
    stop_signal: ClassVar[int] = signal.SIGTERM

    def __init__(self, home: Path) -> None:
        self.home = home.absolute()
        self.child: Child | None = None

    @property
    def running(self) -> bool:
        return self.child is not None and self.child.running

    def start(self, progress: Progress = silent) -> Self:
        if self.running:
            return self
        progress(self.name, "starting")
        self.home.mkdir(parents=True, exist_ok=True)
        self.child = Child(self.name, self._command(), self.home / self.log, death_signal=self.death_signal)
        self.child.wait_until(self.healthy, self.start_s)
        progress(self.name, "ready", 1.0)
        return self

    def stop(self) -> None:
        if self.child:
            self.child.stop(self.stop_signal)

    def kill(self) -> None:
        """SIGKILL."""
        if self.child:
            self.child.kill()

    def memory(self) -> int:
        return self.child.memory() if self.child else 0

    @abstractmethod
    def _command(self) -> Sequence[str | Path]:
        """Write the settings and give the command line."""
