"""Logs in Kafka, and a database in which everybody is admitted and known already: what is measured is the steady state,
not the first day.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import psycopg

from benchmarks.loads.engine import fresh_engine
from benchmarks.loads.reading import ends, read
from benchmarks.loads.ward import Ward, append, ring_of
from benchmarks.servers import Servers
from devices.wire.batch import PARTITIONS
from simulators.sealed_log import now_ms
from streams.engine.engine import Engine
from streams.engine.opening.block import Block
from streams.engine.opening.opening import open_blocks
from streams.engine.writes import Writes
from streams.kafka.log import Log as KafkaLog
from streams.store import ledger
from streams.store.conditions import fold_nothing
from streams.store.ledger import Held, Move
from streams.store.records import Snapshot
from streams.store.staging import prepare
from streams.store.store import RoundToStore, store_round


@dataclass(frozen=True)
class Log:
    """A topic with batches of ``readings`` between ``starts`` and ``ends``.

    ``template``: the database in which everybody is known; ``record_bytes``: of a record on the disk of one broker.
    """

    topic: str
    ward: Ward
    readings: int
    template: str
    starts: list[int]
    ends: list[int]
    record_bytes: float

    @property
    def messages(self) -> int:
        return sum(self.ends) - sum(self.starts)


def fill_logs(servers: Servers, patients: int, seconds: Mapping[int, int], brokers: int = 1) -> dict[int, Log]:
    """A log for each number of readings a batch, ``seconds`` long, filled as time passes."""
    made = {}
    for readings in seconds:
        topic, ward = servers.topic(brokers), Ward(patients)
        made[readings] = topic, ward, admit(servers, topic, ward), servers.log_bytes(topic)
    begin = now_ms() + 300
    for nth in range(max(seconds.values())):
        at = begin + 1000 * nth
        due = {topic: ward.second(nth, at, n) for n, (topic, ward, *_) in made.items() if nth < seconds[n]}
        time.sleep(max(0.0, (at - now_ms()) / 1000))
        for topic, records in due.items():
            append(servers.kafka.client(), topic, records)
    logs = {}
    for n, (topic, ward, starts, before) in made.items():
        until = ends(servers.kafka.bootstrap, topic)
        record_bytes = (servers.log_bytes(topic) - before) / (sum(until) - sum(starts))
        logs[n] = Log(topic, ward, n, prepared(servers, topic, ward, starts), starts, until, record_bytes)
    return logs


def admit(servers: Servers, topic: str, ward: Ward) -> list[int]:
    """Append the ward's controls to ``topic``, and a first reading of everybody; the next offset of each partition."""
    append(servers.kafka.client(), topic, ward.admission())
    append(servers.kafka.client(), topic, ward.batches(ward.everybody, now_ms() - 2000, 1))
    return ends(servers.kafka.bootstrap, topic)


def prepared(servers: Servers, topic: str, ward: Ward, until: Sequence[int]) -> str:
    """A database in which the log up to ``until`` is folded, stored and snapshotted; its name."""
    blocks = read(servers.kafka.bootstrap, topic, [0] * PARTITIONS, until)
    name = servers.database()
    with Owner(servers.url(name), ward, topic, KafkaLog(servers.kafka.bootstrap, topic).topic_id()) as owner:
        owner.store(blocks, save=True)
    return name


class Owner:
    """The owner of all partitions of ``topic``: it folds their log and stores what comes of it in the database at ``url``,
    which is in order when the block ends.
    """

    def __init__(self, url: str, ward: Ward, topic: str, identity: str = "") -> None:
        self.engine, self._ward, self._log = fresh_engine(), ward, (topic, identity)
        self._db = psycopg.connect(url, autocommit=True, options="-c client_min_messages=warning")
        ward.seed_keys(url)
        prepare(self._db)
        self._held = ledger.take(self._db, topic, identity, dict.fromkeys(range(PARTITIONS), 0))

    def store(self, blocks: Sequence[Block], *, save: bool = False) -> None:
        store_round(self._db, *self._log, fold(self.engine, self._ward, blocks, self._held, save=save), fold_nothing)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, error: object, *_: object) -> None:
        if error is None:
            self._db.execute("VACUUM ANALYZE")
        self._db.close()


def fold(engine: Engine, ward: Ward, blocks: Sequence[Block], held: dict[int, Held], *, save: bool = False) -> RoundToStore:
    """The round that ``blocks``, one a partition, write; with ``save`` the snapshot of each partition too."""
    todo = to_store(blocks, engine.advance(open_blocks(blocks, ring_of(ward.world.secrets))), held)
    saved = [Snapshot(m.partition, m.next, m.append, engine.snapshot(m.partition)) for m in todo.moves] if save else []
    return replace(todo, snapshots=saved)


def to_store(blocks: Sequence[Block], writes: Writes, held: dict[int, Held]) -> RoundToStore:
    """The writes of a round of ``blocks``, without snapshots."""
    moves = [
        Move(b.partition, held[b.partition].epoch, b.first, b.next, int(b.appended[-1]), zlib.crc32(b.values[-1]))
        for b in blocks
    ]
    return RoundToStore(writes, [value for block in blocks for value in block.values], moves)
