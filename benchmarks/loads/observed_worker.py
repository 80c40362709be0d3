"""Vigil's own worker, with the real rules, that notes its CPU time after each committed round.

``BENCH_GATE`` holds the log back until the steady state is reached, and has all data keys read at the start, as other
contenders do: a worker reads each once in ten minutes.  With ``restored`` it waits until this worker has restored all
partitions, with a path until that file exists, so that several workers begin at once.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import psycopg

from benchmarks.loads.observation import Step
from devices.wire.batch import PARTITIONS
from streams.store.data_keys import DatabaseKeyRing
from streams.worker import loop, worker
from streams.worker.loop import Loop


def keys_read(connection: Callable[[], psycopg.Connection], master: bytes) -> DatabaseKeyRing:
    """A key ring that has read all data keys."""
    ring = DatabaseKeyRing(connection, master)
    ring.get_many([key for (key,) in connection().execute("SELECT key FROM data_key").fetchall()])
    return ring


def _hold_back(opens: Callable[[Loop], bool], opened: Callable[[], None]) -> None:
    """Let the worker read nothing until ``opens``; call ``opened`` once then."""
    has_room, is_open = Loop.has_room, False

    def gated(self: Loop, partition: int) -> bool:
        nonlocal is_open
        if not is_open and opens(self):
            is_open = True
            opened()
        return is_open and has_room(self, partition)

    Loop.has_room = gated  # type: ignore[method-assign]


def main() -> None:
    from alerts.fold.fold import fold_conditions
    from alerts.rules.stages import stages
    from streams.worker.settings import WorkerSettings

    notes, counted = Path(os.environ["BENCH_OBSERVATION"]).open("ab", buffering=0), loop.count  # noqa: SIM115  open to the end

    def note(messages: int, samples: int, moves: list[tuple[int, int, int]]) -> None:
        step = Step(time.time_ns(), time.process_time_ns(), messages, samples, moves)
        notes.write(msgspec.json.encode(step) + b"\n")

    def count(todo: Any, stored: Any, now: int) -> None:
        moves = [(move.partition, move.first, move.next) for move in todo.moves]
        note(len(todo.writes.round.records), int(todo.writes.accepted.sum()), moves)
        counted(todo, stored, now)

    loop.count = count
    if gate := os.environ.get("BENCH_GATE"):
        worker.DatabaseKeyRing = keys_read  # type: ignore[attr-defined, assignment]
        if gate == "restored":
            _hold_back(lambda one: len(one.places.owned) == PARTITIONS, lambda: note(0, 0, []))
        else:
            _hold_back(lambda _: Path(gate).exists(), lambda: None)
    worker.run(WorkerSettings(), stages(), fold_conditions)


if __name__ == "__main__":
    main()
