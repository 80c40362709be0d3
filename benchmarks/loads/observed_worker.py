"""Vigil's own worker, with the real rules, that notes its CPU time after each committed round.

``BENCH_GATE`` holds the log back until the steady state is reached, and has all data keys read at the start, as other
contenders do: a worker reads each once in ten minutes.  With ``restored`` it waits until this worker has restored all
partitions, with a path until that file exists, so that several workers begin at once.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.loads.observation import observer
from devices.wire.batch import PARTITIONS
from streams.store.data_keys import DatabaseKeyRing
from streams.worker import loop, worker
from streams.worker.loop import Loop


class _KeysRead(DatabaseKeyRing):
    """A key ring that has read all data keys."""

    def __init__(self, connection: Callable[[], psycopg.Connection], master: bytes) -> None:
        super().__init__(connection, master)
        self.get_many([key for (key,) in connection().execute("SELECT key FROM data_key").fetchall()])


def _hold_back(opens: Callable[[Loop], bool], opened: Callable[[], None]) -> None:
    """Let the worker read nothing until ``opens``; call ``opened`` once then."""
    has_room, is_open = Loop.has_room, False

    def gated(self: Loop, partition: int) -> bool:
        nonlocal is_open
        if not is_open:
            if not opens(self):
                return False
            is_open = True
            opened()
        return has_room(self, partition)

    Loop.has_room = gated  # type: ignore[method-assign]


def main() -> None:
    from alerts.fold.fold import fold_conditions
    from alerts.rules.stages import stages
    from streams.worker.settings import WorkerSettings

    notes, counted = observer(), loop.count

    def count(todo: Any, stored: Any, now: int) -> None:
        moves = [(move.partition, move.first, move.next) for move in todo.moves]
        notes.step(len(todo.writes.round.records), int(todo.writes.accepted.sum()), moves)
        counted(todo, stored, now)

    loop.count = count
    if gate := os.environ.get("BENCH_GATE"):
        worker.DatabaseKeyRing = _KeysRead  # type: ignore[attr-defined]
        if gate == "restored":
            _hold_back(lambda one: len(one.places.owned) == PARTITIONS, lambda: notes.step(0, 0))
        else:
            _hold_back(lambda _: Path(gate).exists(), lambda: None)
    worker.run(WorkerSettings(), stages(), fold_conditions)


if __name__ == "__main__":
    main()
