"""The parts of the path, each alone: opening, engine, COPY.  ns of CPU a sample, in a process of its own."""

from __future__ import annotations

import psycopg

from alerts.fold.fold import fold_conditions
from alerts.rules.stages import stages
from benchmarks.loads.prepared import Log, to_store
from benchmarks.loads.reading import cut, read
from benchmarks.loads.spending import Stopwatch
from benchmarks.loads.ward import ring_of
from devices.wire.batch import PARTITIONS
from streams.engine.engine import Engine
from streams.engine.opening.opening import open_blocks
from streams.engine.snapshot.recall import Recall
from streams.engine.snapshot.snapshot import unpack
from streams.store import ledger
from streams.store.readings import stage_readings, wide_rows
from streams.store.staging import prepare
from streams.store.store import store_round
from streams.worker.recovery import read_saved


def measure(url: str, kafka: str, log: Log, rounds: int) -> dict[str, float]:
    """ns of CPU a sample of each part alone for the log, cut into ``rounds``; ``store``: all that the round's transaction
    costs this side.
    """
    ring, topic = ring_of(log.ward.world.secrets), log.topic
    blocks = read(kafka, topic, log.starts, log.ends)
    watch, samples = Stopwatch(), 0
    with psycopg.connect(url, autocommit=True) as db:
        prepare(db)
        held = ledger.take(db, topic, "", dict.fromkeys(range(PARTITIONS), 0))
        engine = Engine(stages())
        for partition in range(PARTITIONS):
            saved = read_saved(db, topic, partition)
            engine.take(partition, unpack(saved.state, partition) if saved else None, Recall())
        for some in cut(blocks, rounds):
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
    return {part: 1e9 * seconds / samples for part, seconds in watch.cpu.items()}
