"""Rounds: blocks in, what one transaction writes out.  All of it runs in the one thread that owns the engine."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import psycopg
import structlog

from streams import metrics
from streams.engine.engine import Engine
from streams.engine.errors import StateUnreadableError
from streams.engine.opening.block import Block
from streams.engine.opening.keyring import KeyRing
from streams.engine.opening.opening import LAST_TIME, open_blocks
from streams.engine.snapshot.recall import Recall
from streams.engine.snapshot.snapshot import Content, recalled, unpack
from streams.kafka.position import Extent
from streams.store.continue_after_loss import BEGUN_ANEW
from streams.store.ledger import Held, Move
from streams.store.records import Snapshot
from streams.store.session import Session, until_done
from streams.store.store import RoundToStore
from streams.worker.ports import Statements, T
from streams.worker.recovery import begin_at, without_collector

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Taken:
    """A partition the engine owns now: the log is to be folded from ``offset`` on.  ``state_lost``: the state before could
    not be restored whole.
    """

    offset: int
    state_lost: bool


class Rounds:
    """The engine, the keys, and a database session to read with; waits for the database until ``stop`` is set."""

    def __init__(
        self, engine: Engine, keys: KeyRing, session: Session, topic: str, stop: threading.Event, statements: Statements
    ) -> None:
        self._engine, self._keys, self._session, self._topic, self._stop = engine, keys, session, topic, stop
        self._statements = statements

    @without_collector()
    def take(self, held: Held, extent: Extent) -> Taken:
        """Give the partition to the engine as it was at its last snapshot; where that cannot be read, with the controls that
        took effect before :func:`streams.worker.recovery.begin_at`.

        Raises:
            psycopg.OperationalError: the worker stops while the database is away.
        """
        partition = held.partition
        saved = self._read(lambda db: self._statements.read_saved(db, self._topic, partition))
        if saved and saved.state != BEGUN_ANEW and extent.begin <= saved.offset <= held.offset:
            try:
                content = unpack(saved.state, partition)
                self._engine.take(partition, content, self._recall(partition, saved.offset, content))
                return Taken(saved.offset, state_lost=False)
            except StateUnreadableError:
                _log.warning("snapshot cannot be read", partition=partition)
                self._engine.drop(partition)
        start = begin_at(held, extent, saved)
        before = self._read(lambda db: self._statements.controls_before(db, partition, start))
        missing = start > 0 and (saved is not None or start < held.offset)
        if missing or len(before.records):  # controls: they stand in the log no more, or too far back
            self._engine.take_anew(partition, before)
            return Taken(start, state_lost=True)
        self._engine.take(partition, None, Recall())
        return Taken(start, state_lost=False)

    def expect(self, partitions: int) -> None:
        """Make room: so many partitions will be taken before long."""
        self._engine.expect(partitions)

    def drop(self, partition: int) -> None:
        """The engine forgets the partition."""
        self._engine.drop(partition)

    def compute(self, blocks: Sequence[Block], epochs: Mapping[int, int], save: Collection[int]) -> RoundToStore:
        """Open and fold ``blocks``, which are to be stored under the ``epochs`` of their partitions, with the state of the
        partitions ``save``.
        """
        with metrics.COMPUTE.time():
            blocks = sorted(blocks, key=lambda block: (block.partition, block.first))
            round_ = until_done(lambda: open_blocks(blocks, self._keys), self._stop)
            writes = self._engine.advance(round_)
            first = {block.partition: block for block in reversed(blocks)}
            last = {block.partition: block for block in blocks}
            moves = [
                Move(p, epochs[p], first[p].first, b.next, int(b.appended[-1]), zlib.crc32(b.values[-1]))
                for p, b in last.items()
            ]
            snapshots = [
                Snapshot(m.partition, m.next, m.append, self._engine.snapshot(m.partition))
                for m in moves
                if m.partition in save
            ]
            return RoundToStore(writes, [value for block in blocks for value in block.values], moves, snapshots)

    def refold(self, blocks: Sequence[Block]) -> None:
        """Fold what is stored already; nothing is written."""
        round_ = until_done(lambda: open_blocks(blocks, self._keys), self._stop)
        self._engine.advance(round_)
        metrics.REFOLDED.inc(len(round_.records))

    def _recall(self, partition: int, before: int, content: Content) -> Recall:
        since = recalled(content)
        if since >= LAST_TIME:
            return Recall()
        return self._read(lambda db: self._statements.stored_since(db, partition, since, before))

    def _read(self, query: Callable[[psycopg.Connection], T]) -> T:
        return until_done(lambda: query(self._session.connection()), self._stop)
