"""A database in which everybody is admitted and known already: what is measured is the steady state, not the first day."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import psycopg

from alerts.rules.stages import stages
from benchmarks.loads.reading import ends, read
from benchmarks.loads.ward import Ward, append, ring_of
from benchmarks.servers import Servers
from devices.wire.batch import PARTITIONS
from simulators.sealed_log import now_ms
from streams.engine.engine import Engine
from streams.engine.opening.block import Block
from streams.engine.opening.opening import open_blocks
from streams.engine.snapshot.recall import Recall
from streams.kafka.log import Log
from streams.store import ledger
from streams.store.ledger import Held, Move
from streams.store.records import Snapshot
from streams.store.staging import prepare
from streams.store.store import RoundToStore, fold_nothing, store_round


def admit(servers: Servers, topic: str, ward: Ward) -> list[int]:
    """Append the ward's controls to ``topic``, and a first reading of everybody; the next offset of each partition."""
    append(servers.kafka.client(), topic, ward.admission())
    append(servers.kafka.client(), topic, ward.batches(range(1, ward.patients + 1), now_ms() - 2000, 1))
    return ends(servers.kafka.bootstrap, topic)


def prepared(servers: Servers, topic: str, ward: Ward, until: Sequence[int]) -> str:
    """A database in which the log up to ``until`` is folded, stored and snapshotted; its name."""
    blocks = read(servers.kafka.bootstrap, topic, [0] * PARTITIONS, until)
    name = servers.database()
    ward.seed_keys(servers.url(name))
    with psycopg.connect(servers.url(name), autocommit=True, options="-c client_min_messages=warning") as db:
        prepare(db)
        identity = Log(servers.kafka.bootstrap, topic).topic_id()
        held = ledger.take(db, topic, identity, dict.fromkeys(range(PARTITIONS), 0))
        engine = Engine(stages())
        for partition in range(PARTITIONS):
            engine.take(partition, None, Recall())
        todo = fold(engine, ward, blocks, held, save=True)
        store_round(db, topic, identity, todo, fold_nothing)
        db.execute("VACUUM ANALYZE")
    return name


def fold(engine: Engine, ward: Ward, blocks: Sequence[Block], held: dict[int, Held], *, save: bool = False) -> RoundToStore:
    """The round that ``blocks``, one a partition, write; with ``save`` the snapshot of each partition too."""
    writes = engine.advance(open_blocks(blocks, ring_of(ward.world.secrets)))
    moves = [
        Move(b.partition, held[b.partition].epoch, b.first, b.next, int(b.appended[-1]), zlib.crc32(b.values[-1]))
        for b in blocks
    ]
    snapshots = [Snapshot(m.partition, m.next, m.append, engine.snapshot(m.partition)) for m in moves] if save else []
    return RoundToStore(writes, [value for block in blocks for value in block.values], moves, snapshots)
