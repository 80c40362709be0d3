"""A worker takes partitions back, as after a restart: snapshot, recall, engine, refold, one partition after the other, as
:class:`streams.worker.rounds.Rounds` does it.  In this process, or in one of its own beside others.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

import numpy as np
import psutil
import psycopg

from alerts.rules.stages import stages
from benchmarks.loads.apart import answer, apart
from benchmarks.loads.spending import Stopwatch
from streams.engine.engine import Engine
from streams.engine.opening.block import Block
from streams.engine.opening.opening import open_blocks
from streams.engine.snapshot.snapshot import recalled, unpack
from streams.store.data_keys import DatabaseKeyRing
from streams.store.recall import stored_since
from streams.worker.recovery import controls_before, read_saved, without_collector
from streams.worker.settings import WorkerSettings

TOPIC: Final = "bench"
TOUCHED: Final = 1 << 16
"""Bytes a patient."""
LIMIT_S: Final = 120
ROUND_RECORDS: Final[int] = WorkerSettings.model_fields["round_records"].default
BESIDE: Final = ("controls", "admission")
PARTS: Final = {
    "snapshot": "SELECT of the saved state",
    "unpack": "its decompression and decoding",
    "recall": "SELECT of the readings of the last five minutes, and their decoding",
    "room": "Engine.take of the first partition, which makes room for all",
    "take": "Engine.take of the others: state and rings put back",
    "keys": "SELECT of everybody's data key, and its unwrapping",
    "refold": "a minute of log opened and folded, without writing",
    "controls": "beside it, where no state can be read: all controls read and decoded …",
    "admission": "… and folded into an engine that knows nobody: two control records a patient",
}


@dataclass(frozen=True)
class Job:
    """The work of taking back: ``partitions`` with ``patients`` in them, saved in the database at ``url``, and
    the ``log`` since then, a block of each partition, sealed with the ``keys`` that ``master`` unwraps.
    """

    url: str
    patients: int
    partitions: Sequence[int]
    master: bytes
    keys: Collection[int]
    log: Sequence[Block]


@dataclass
class Spent(Stopwatch):
    """Seconds by part, the server's work included in ``wall``.  ``server``: CPU of its session.

    ``end``: when the last partition stood, by the clock that all processes share.
    """

    server: float = 0.0
    end: float = 0.0


def touch(patients: int) -> None:
    """Have as much memory as they take been in use once: where a virtual machine's host hands over a page for the first time
    it costs ten times what the kernel's own work does, or nothing, as it happens, and neither is Vigil's.
    """
    np.ones(patients * TOUCHED, np.uint8)


def take_back(job: Job) -> tuple[Spent, list[bytes]]:
    """The cost of taking all partitions back, and the state of each then."""
    spent, engine = Spent(), Engine(stages())
    engine.expect(len(job.partitions))
    with psycopg.connect(job.url, autocommit=True) as db, without_collector():
        for partition in job.partitions:
            with spent.part("snapshot"):
                saved = read_saved(db, TOPIC, partition)
            assert saved is not None
            with spent.part("unpack"):
                content = unpack(saved.state, partition)
            with spent.part("recall"):
                recall = stored_since(db, partition, recalled(content), saved.offset)
            with spent.part("room" if partition == job.partitions[0] else "take"):
                engine.take(partition, content, recall)
        keys = DatabaseKeyRing(lambda: db, job.master)
        with spent.part("keys"):
            keys.get_many(job.keys)
        with spent.part("refold"):
            for blocks in _rounds(job.log):
                engine.advance(open_blocks(blocks, keys))
        spent.end = time.monotonic()
        times = psutil.Process(db.info.backend_pid).cpu_times()
        spent.server = times.user + times.system
    return spent, [engine.snapshot(p) for p in job.partitions]


def take_anew(job: Job) -> Spent:
    """The cost where no state can be read: everybody's controls come from the database."""
    spent, engine = Spent(), Engine(stages())
    engine.expect(len(job.partitions))
    with psycopg.connect(job.url, autocommit=True) as db, without_collector():
        for block in job.log:
            with spent.part("controls"):
                controls = controls_before(db, block.partition, block.first)
            with spent.part("admission"):
                engine.take_anew(block.partition, controls)
    return spent


def _rounds(log: Sequence[Block]) -> Iterator[list[Block]]:
    """The rounds in which a worker folds the log again: whole blocks, until they are a round's records."""
    some: list[Block] = []
    for block in log:
        some.append(block)
        if sum(len(one.values) for one in some) >= ROUND_RECORDS:
            yield some
            some = []
    if some:
        yield some


def together(jobs: Sequence[Job]) -> tuple[float, list[bytes]]:
    """Each job in a process of its own, all begun at once: seconds until the last is done, and the states.

    Raises:
        BenchmarkError: a worker took minutes.
    """
    with ExitStack() as running:
        workers = [running.enter_context(apart()) for _ in jobs]
        for ready in [worker.apply_async(_prepare, (job,)) for worker, job in zip(workers, jobs, strict=True)]:
            answer(ready, LIMIT_S)
        begin = time.monotonic()
        done = [answer(one, LIMIT_S) for one in [worker.apply_async(_take_back_prepared) for worker in workers]]
        return max(spent.end for spent, _ in done) - begin, [state for _, states in done for state in states]


_prepared: list[Job] = []
"""The job of this process."""


def _prepare(job: Job) -> None:
    touch(job.patients)
    _prepared.append(job)


def _take_back_prepared() -> tuple[Spent, list[bytes]]:
    return take_back(_prepared[0])
