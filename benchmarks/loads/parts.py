"""The parts of the path, each alone: opening, engine, COPY.  A process of its own; prints ns of CPU a sample as JSON."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec
import psycopg

from alerts.fold.fold import fold_conditions
from alerts.rules.stages import stages
from benchmarks.loads.reading import cut, read
from devices.wire.batch import PARTITIONS
from streams.engine.engine import Engine
from streams.engine.opening.block import Block
from streams.engine.opening.keyring import FixedKeyRing, OpenKey
from streams.engine.opening.opening import open_blocks
from streams.engine.snapshot.recall import Recall
from streams.engine.snapshot.snapshot import unpack
from streams.engine.writes import Writes
from streams.store import ledger
from streams.store.ledger import Held, Move
from streams.store.readings import stage_readings, wide_rows
from streams.store.staging import prepare
from streams.store.store import RoundToStore, store_round
from streams.worker.allocator import keep_memory
from streams.worker.recovery import read_saved

_T = TypeVar("_T")


class Spec(msgspec.Struct):
    secrets: dict[int, tuple[int, int, bytes]]
    starts: list[int]
    ends: list[int]


class Stopwatch:
    """CPU time of this process, by part."""

    def __init__(self) -> None:
        self.spent = {"open": 0, "engine": 0, "copy": 0, "store": 0}

    def time(self, part: str, work: Callable[[], _T]) -> _T:
        begin = time.process_time_ns()
        found = work()
        self.spent[part] += time.process_time_ns() - begin
        return found


def main() -> None:
    keep_memory()  # as the worker does
    environment = os.environ
    spec = msgspec.msgpack.decode(Path(environment["BENCH_SECRETS"]).read_bytes(), type=Spec, strict=False)
    ring = FixedKeyRing({key: OpenKey(secret, p, g) for key, (p, g, secret) in spec.secrets.items()})
    topic = environment["VIGIL_TOPIC"]
    blocks = read(environment["VIGIL_KAFKA"], topic, spec.starts, spec.ends)
    watch, samples = Stopwatch(), 0
    with psycopg.connect(environment["VIGIL_DATABASE"], autocommit=True) as db:
        prepare(db)
        held = ledger.take(db, topic, "", dict.fromkeys(range(PARTITIONS), 0))
        engine = Engine(stages())
        for partition in range(PARTITIONS):
            saved = read_saved(db, topic, partition)
            engine.take(partition, unpack(saved.state, partition) if saved else None, Recall())
        for some in cut(blocks, int(environment["BENCH_ROUNDS"])):
            opened = watch.time("open", lambda some=some: open_blocks(some, ring))  # type: ignore[misc]
            writes = watch.time("engine", lambda opened=opened: engine.advance(opened))  # type: ignore[misc]
            watch.time("copy", lambda writes=writes: copy(db, writes))  # type: ignore[misc]
            todo = to_store(some, writes, held)
            watch.time("store", lambda todo=todo: store_round(db, topic, "", todo, fold_conditions))  # type: ignore[misc]
            samples += int(writes.accepted.sum())
    found = msgspec.json.encode({part: ns / samples for part, ns in watch.spent.items()})
    sys.stdout.buffer.write(found + b"\n")  # the last line: the fold may have said something before


def copy(db: psycopg.Connection, writes: Writes) -> None:
    with db.transaction():
        stage_readings(db, wide_rows(writes))


def to_store(blocks: list[Block], writes: Writes, held: dict[int, Held]) -> RoundToStore:
    moves = [Move(b.partition, held[b.partition].epoch, b.first, b.next, int(b.appended[-1]), 0) for b in blocks]
    return RoundToStore(writes, [value for block in blocks for value in block.values], moves)


if __name__ == "__main__":
    main()
