"""Vigil's own processes in an embedded installation: each a child, started again when it dies."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from deploy.stack.child import Child

RESTARTS: Final = 20
"""A program that ends more often is left alone, and shown so."""
_PAUSE_S: Final = 1.0


@dataclass
class Program:
    """``python -m MODULE ARGS`` with an environment of its own; its output goes to ``log``.

    ``probe`` says whether it does its work; None: running is enough.
    """

    name: str
    module: str
    args: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    address: str = ""
    probe: Callable[[], bool] | None = None
    restarts: int = 0
    child: Child | None = None
    _ended: float | None = field(default=None, repr=False)

    def start(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", self.module, *self.args]
        self.child = Child(self.name, command, self.log, death_signal="TERM", env=self.environment)

    @property
    def running(self) -> bool:
        return self.child is not None and self.child.running

    def healthy(self) -> bool:
        return self.running and (self.probe is None or self.probe())

    def tend(self) -> None:
        """Start it again a second after it died, at most ``RESTARTS`` times."""
        if self.child is None or self.running:
            self._ended = None
            return
        now = time.monotonic()
        if self._ended is None:
            self._ended = now
        elif now - self._ended > _PAUSE_S and self.restarts < RESTARTS:
            self.restarts += 1
            self._ended = None
            self.start()

    def wait_healthy(self, timeout: float) -> None:
        """Return once it does its work; ServerNotReadyError when it ends, or after ``timeout`` seconds."""
        assert self.child
        self.child.wait_until(self.healthy, timeout)

    def memory(self) -> int:
        """Bytes."""
        return self.child.memory() if self.child else 0

    def stop(self, timeout: float = 8) -> None:
        if self.child:
            self.child.stop(timeout=timeout)
