"""The parts of the path, each alone: opening, engine, COPY.  A process of its own; prints ns of CPU a sample as JSON."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import psycopg

from alerts.fold.fold import fold_conditions
from alerts.rules.stages import stages
from benchmarks.loads.reading import cut, read
from benchmarks.loads.spending import Stopwatch
from benchmarks.loads.ward import ring_of
from devices.wire.batch import PARTITIONS
from streams.engine.engine import Engine
from streams.engine.opening.block import Block
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


class Spec(msgspec.Struct):
    """A log and its database; ``secrets``: the file of its keys; ``rounds``: into how many the log is cut."""

    database: str
    kafka: str
    topic: str
    secrets: str
    starts: list[int]
    ends: list[int]
    rounds: int


class Parts(msgspec.Struct, frozen=True):
    """ns of CPU a sample, each measured alone; ``store``: all that the round's transaction costs this side."""

    open: float
    engine: float
    copy: float
    store: float

    @property
    def total(self) -> float:
        return self.open + self.engine + self.copy


def main() -> None:
    keep_memory()  # as the worker does
    spec = msgspec.json.decode(sys.argv[1], type=Spec)
    secrets = msgspec.msgpack.decode(Path(spec.secrets).read_bytes(), type=dict[int, tuple[int, int, bytes]], strict=False)
    ring, topic = ring_of(secrets), spec.topic
    blocks = read(spec.kafka, topic, spec.starts, spec.ends)
    watch, samples = Stopwatch(), 0
    with psycopg.connect(spec.database, autocommit=True) as db:
        prepare(db)
        held = ledger.take(db, topic, "", dict.fromkeys(range(PARTITIONS), 0))
        engine = Engine(stages())
        for partition in range(PARTITIONS):
            saved = read_saved(db, topic, partition)
            engine.take(partition, unpack(saved.state, partition) if saved else None, Recall())
        for some in cut(blocks, spec.rounds):
            with watch.part("open"):
                opened = open_blocks(some, ring)
            with watch.part("engine"):
                writes = engine.advance(opened)
            with watch.part("copy"), db.transaction():
                stage_readings(db, wide_rows(writes))
            todo = to_store(some, writes, held)
            with watch.part("store"):
                store_round(db, topic, "", todo, fold_conditions)
            samples += int(writes.accepted.sum())
    found = msgspec.json.encode({part: 1e9 * seconds / samples for part, seconds in watch.cpu.items()})
    sys.stdout.buffer.write(found + b"\n")  # the last line: the fold may have said something before


def to_store(blocks: list[Block], writes: Writes, held: dict[int, Held]) -> RoundToStore:
    moves = [Move(b.partition, held[b.partition].epoch, b.first, b.next, int(b.appended[-1]), 0) for b in blocks]
    return RoundToStore(writes, [value for block in blocks for value in block.values], moves)


if __name__ == "__main__":
    main()
