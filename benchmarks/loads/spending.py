"""The cost of servers: CPU seconds of a process and all its children, also of those that ended meanwhile."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil


@dataclass
class Stopwatch:
    """Seconds by part: ``wall``, and ``cpu`` of this process."""

    wall: dict[str, float] = field(default_factory=dict)
    cpu: dict[str, float] = field(default_factory=dict)

    @contextlib.contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Count what the block takes."""
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self.wall[name] = self.wall.get(name, 0.0) + time.perf_counter() - wall
        self.cpu[name] = self.cpu.get(name, 0.0) + time.process_time() - cpu


def spent(pids: Iterable[int]) -> float:
    """CPU seconds so far of these processes and of their children."""
    total = 0.0
    for root in map(psutil.Process, pids):
        for one in (root, *root.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                times = one.cpu_times()
                total += times.user + times.system
                if one == root:
                    total += times.children_user + times.children_system
    return total


def resident(pid: int) -> int:
    """Bytes of RSS of one process."""
    return int(psutil.Process(pid).memory_info().rss)


def peak_resident(pid: int) -> int:
    """The most it ever was (Linux)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM:"))
