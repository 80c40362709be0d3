"""Progress on a terminal, or in plain lines where there is none, while everything is set up."""

from __future__ import annotations

import threading
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn


class SetUp:
    """A :class:`deploy.stack.progress.Progress` as a context manager: one line a component."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._lock = threading.Lock()
        self._tasks: dict[str, TaskID] = {}
        self._shown: dict[str, str] = {}
        name, step = TextColumn("{task.description:12}"), TextColumn("{task.fields[step]}")
        columns = (name, BarColumn(24), step, TimeElapsedColumn())
        self._bars = Progress(*columns, console=console, transient=True) if console.is_terminal else None

    def __call__(self, component: str, step: str, done: float | None = None, /) -> None:
        with self._lock:
            if self._bars:
                if component not in self._tasks:
                    self._tasks[component] = self._bars.add_task(component, total=None, step="")
                total = None if done is None else 1.0
                self._bars.update(self._tasks[component], total=total, completed=done or 0.0, step=step)
            elif self._shown.get(component) != step:
                self._shown[component] = step
                self.console.print(f"{component}: {step}", highlight=False)

    def __enter__(self) -> Self:
        if self._bars:
            self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bars:
            self._bars.stop()
