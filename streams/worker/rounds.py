"""Rounds: blocks in, what one transaction writes out.  All of it runs in the one thread that owns the engine."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import psycopg
import structlog

from streams import metrics
from streams.engine.condition import Condition, Phase
from streams.engine.engine import Engine
from streams.engine.errors import StateUnreadableError
from streams.engine.opening.block import Block
from streams.engine.opening.keyring import KeyRing
from streams.engine.opening.opening import LAST_TIME, open_blocks
from streams.engine.round import Round
from streams.engine.snapshot.recall import Recall
from streams.engine.snapshot.snapshot import Content, recalled, unpack
from streams.kafka.position import Extent
from streams.store.continue_after_loss import BEGUN_ANEW
from streams.store.ledger import Held, Move
from streams.store.records import Snapshot
from streams.store.session import Session, until_done
from streams.store.store import RoundToStore
from streams.worker.conditions import of_partition
from streams.worker.key_faults import KeyFaults
from streams.worker.ports import Statements, T
from streams.worker.recovery import begin_at, without_collector
from streams.worker.set_aside import Aside, set_aside

PHASES: Final[tuple[Phase, ...]] = ("onset", "end")
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
        self._aside: dict[int, Aside] = {}
        self._key_faults = KeyFaults()

    @without_collector()
    def take(self, held: Held, extent: Extent, *, anew: bool = False) -> Taken:
        """Give the partition to the engine as it was at its last snapshot; where that cannot be read, with the controls that
        took effect before :func:`streams.worker.recovery.begin_at`; ``anew``: its state is left behind, it goes on where the
        ledger stands.

        Raises:
            psycopg.OperationalError: the worker stops while the database is away.
        """
        partition = held.partition
        faults = self._read(lambda db: self._statements.read_faults(db, held.topic_id, partition))
        self._aside[partition] = {(partition, offset): reason for offset, reason in faults.aside.items()}
        self._key_faults.take(partition, faults.keys)
        if anew:
            self._take_anew(partition, self._read(lambda db: self._statements.controls_before(db, partition, held.offset)))
            return Taken(held.offset, state_lost=True)
        saved = self._read(lambda db: self._statements.read_saved(db, self._topic, partition))
        if saved and saved.state != BEGUN_ANEW and extent.begin <= saved.offset <= held.offset:
            try:
                content = unpack(saved.state, partition)
                self._engine.take(partition, content, self._recall(partition, saved.offset, content))
                return Taken(saved.offset, state_lost=False)
            except psycopg.Error:
                raise
            except Exception as error:
                explanation = str(error) if isinstance(error, StateUnreadableError) else type(error).__name__
                _log.warning("snapshot cannot be read", partition=partition, explanation=explanation)
                self._engine.drop(partition)
        start = begin_at(held, extent, saved)
        before = self._read(lambda db: self._statements.controls_before(db, partition, start))
        missing = start > 0 and (saved is not None or start < held.offset)
        if missing or len(before.records):  # controls: they stand in the log no more, or too far back
            self._take_anew(partition, before)
            return Taken(start, state_lost=True)
        self._engine.take(partition, None, Recall())
        return Taken(start, state_lost=False)

    def expect(self, partitions: int) -> None:
        """Make room: so many partitions will be taken before long."""
        self._engine.expect(partitions)

    def drop(self, partition: int) -> None:
        """The engine forgets the partition."""
        self._engine.drop(partition)
        self._aside.pop(partition, None)
        self._key_faults.drop(partition)

    def compute(
        self, blocks: Sequence[Block], epochs: Mapping[int, int], save: Collection[int], aside: Aside | None = None
    ) -> RoundToStore:
        """Open and fold ``blocks``, which are to be stored under the ``epochs`` of their partitions, with the state of the
        partitions ``save``.  The records ``aside`` are refused, with a condition of their partitions.
        """
        with metrics.COMPUTE.time():
            blocks = sorted(blocks, key=lambda block: (block.partition, block.first))
            round_ = set_aside(until_done(lambda: open_blocks(blocks, self._keys), self._stop), aside or {})
            keys = self._key_faults.of(round_)
            writes = self._engine.advance(round_)
            if aside:
                writes = replace(writes, conditions=[*writes.conditions, *_conditions_of(round_, aside)])
            first = {block.partition: block for block in reversed(blocks)}
            last = {block.partition: block for block in blocks}
            moves = [
                Move(p, epochs[p], first[p].first, b.next, int(b.appended[-1]), zlib.crc32(b.values[-1]))
                for p, b in last.items()
            ]
            snapshots = [
                Snapshot(m.partition, m.next, m.append, self._engine.snapshot(m.partition))
                for m in moves
                if m.partition in save and m.append  # 0: of a record whose time is not known
            ]
            return RoundToStore(writes, [value for block in blocks for value in block.values], moves, snapshots, keys)

    def refold(self, blocks: Sequence[Block]) -> None:
        """Fold what is stored already; nothing is written."""
        aside = {
            place: explanation
            for p in {block.partition for block in blocks}
            for place, explanation in self._aside.get(p, {}).items()
        }
        round_ = set_aside(until_done(lambda: open_blocks(blocks, self._keys), self._stop), aside)
        self._engine.advance(round_)
        metrics.REFOLDED.inc(len(round_.records))

    def _take_anew(self, partition: int, controls: Round) -> None:
        """With those of the ``controls`` that the engine takes: one that it fails at is passed over."""
        passed_over: set[int] = set()
        while True:
            known = set_aside(controls, {(partition, offset): "" for offset in passed_over})
            try:
                self._engine.take_anew(partition, known)
            except Exception as error:
                offsets = [int(controls.records["offset"][n]) for n, _ in known.controls]
                offset = self._first_failing(partition, controls, passed_over, offsets)
                _log.error("a control is passed over: the engine fails at it", at_offset=offset, error=type(error).__name__)
                passed_over.add(offset)
            else:
                return

    def _first_failing(self, partition: int, controls: Round, passed_over: set[int], offsets: list[int]) -> int:
        low, high = 0, len(offsets)  # the engine takes the first ``low``, and fails within the first ``high``
        while high - low > 1:
            middle = (low + high) // 2
            known = set_aside(controls, {(partition, offset): "" for offset in (*passed_over, *offsets[middle:])})
            try:
                self._engine.take_anew(partition, known)
            except Exception:
                high = middle
            else:
                low = middle
        return offsets[low]

    def _recall(self, partition: int, before: int, content: Content) -> Recall:
        since = recalled(content)
        if since >= LAST_TIME:
            return Recall()
        return self._read(lambda db: self._statements.stored_since(db, partition, since, before))

    def _read(self, query: Callable[[psycopg.Connection], T]) -> T:
        return until_done(lambda: query(self._session.connection()), self._stop)


def _conditions_of(round_: Round, aside: Aside) -> list[Condition]:
    """It happened, and is over: somebody has to see it, then it goes."""
    records, conditions = round_.records, []
    for n in (one.record for one in round_.rejected):
        partition, offset, append = (int(records[name][n]) for name in ("partition", "offset", "append"))
        if reason := aside.get((partition, offset)):
            detail = {"at_offset": offset, "why": reason}
            conditions += [of_partition(partition, "record_set_aside", p, append // 1000, **detail) for p in PHASES]
    return conditions
