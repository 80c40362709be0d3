"""Vigil's own worker, with the real rules, that notes its CPU time after each committed round."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import psycopg

from benchmarks.loads.observation import Observer, observer
from devices.wire.batch import PARTITIONS


def _wait_for_all(notes: Observer) -> None:
    """Read nothing before all partitions are restored, and note when that is: what follows is the steady state."""
    from streams.worker.assignment import Assignment

    has_room = Assignment.has_room
    opened: list[bool] = []

    def gated(self: Assignment, partition: int) -> bool:
        if not opened:
            if len(self.epochs()) < PARTITIONS:
                return False
            opened.append(True)
            notes.step(0, 0)
        return has_room(self, partition)

    Assignment.has_room = gated  # type: ignore[method-assign]


def _read_keys() -> None:
    """Read all data keys at the start, as the other contenders do: a worker reads each once in ten minutes."""
    from streams.store.data_keys import DatabaseKeyRing
    from streams.worker import worker

    class Ready(DatabaseKeyRing):
        def __init__(self, connection: Callable[[], psycopg.Connection], master: bytes) -> None:
            super().__init__(connection, master)
            self.get_many([key for (key,) in connection().execute("SELECT key FROM data_key").fetchall()])

    worker.DatabaseKeyRing = Ready  # type: ignore[attr-defined]


def main() -> None:
    from alerts.fold.fold import fold_conditions
    from alerts.rules.stages import stages
    from streams.worker import worker
    from streams.worker.settings import WorkerSettings

    notes, counted = observer(), worker.count

    def count(todo: Any, stored: Any) -> None:
        moves = [(move.partition, move.first, move.next) for move in todo.moves]
        notes.step(len(todo.writes.round.records), int(todo.writes.accepted.sum()), moves)
        counted(todo, stored)

    worker.count = count
    if os.environ.get("BENCH_GATE"):
        _wait_for_all(notes)
    if "BENCH_GATE" in os.environ:  # either transport
        _read_keys()
    worker.run(WorkerSettings(), stages(), fold_conditions)


if __name__ == "__main__":
    main()
