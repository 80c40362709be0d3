"""The database as workers see it: sessions, row locks, transactions that are all or nothing, and faults.

A transaction is a generator: wherever it yields, seconds may pass, its process may freeze with the locks held, and its
session may be ended.  What it changes is computed and becomes visible at one instant, its commit; the rows it read are
locked until then, so nobody can tell the difference.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Collection, Generator, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Final

import psycopg

from alerts.fold.episode_rows import Subject
from streams.engine.condition import Condition
from streams.kafka.position import Appended
from streams.store.conditions import FIRST_MS
from streams.store.ledger import STUCK_S, Checked, Held, Move
from streams.store.store import RoundToStore, Stored
from streams.worker.recovery import Saved
from tests.simulation.scheduler import Scheduler
from tests.simulation.tables import LedgerRow, Tables

TOPIC_ID: Final = "a topic"
Lock = tuple[str, int]
_POLL_S: Final = 0.02
_TAKE_S, _LOCK_S, _PERSON_S = 2.0, 20.0, FIRST_MS / 1000


@dataclass
class Session:
    """A worker's connection."""

    database: Database
    pid: int
    worker: str
    ended: bool = False
    began: float | None = None  # its transaction, s
    locks: list[Lock] = field(default_factory=list)

    def check(self) -> None:
        if self.ended:
            raise psycopg.OperationalError("the connection is lost")

    def begin(self) -> None:
        self.check()
        if self.database.down:
            self.end()
            self.check()
        self.began = self.database.scheduler.seconds

    def transaction(self) -> AbstractContextManager[None]:
        """For what is done at one instant."""
        self.check()
        return nullcontext()

    def execute(self, statement: bytes, *_: object) -> None:
        """What is done at one instant waits for no lock."""
        assert statement.startswith(b"SET LOCAL"), "a state was lost"

    def finish(self) -> None:
        """Commit or roll back: the locks go."""
        self.began = None
        for lock in self.locks:
            self.database.locks.pop(lock, None)
        self.locks.clear()

    def end(self) -> None:
        self.ended = True
        self.finish()


@dataclass(frozen=True, slots=True)
class Written:
    """One move of the ledger as it was committed."""

    partition: int
    epoch: int
    first: int
    next: int
    valid: int  # the row's epoch then
    decided: bool = False  # somebody had it go on there, behind a damaged log


class Database:
    """``history``: every move ever committed.  ``call_lost``: how likely a commit's answer does not arrive.
    ``traps``: by worker, what happens to it within its next transaction."""

    def __init__(self, scheduler: Scheduler, tables: Tables | None = None) -> None:
        self.scheduler, self.tables = scheduler, tables or Tables()
        self.locks: dict[Lock, Session] = {}
        self.sessions: list[Session] = []
        self.history: list[Written] = []
        self.down = self.read_only = False
        self.call_lost = 0.0
        self.dumps = 0  # made, and not put back yet
        self.traps: dict[str, Callable[[], object]] = {}
        self.somebody: Callable[[int], None] | None = None  # locks the episode that a round locks next, before it
        self._pids = itertools.count(1)
        self._rng = scheduler.chance("database")

    def connect(self, worker: str) -> Session:
        if self.down:
            raise psycopg.OperationalError("the database is away")
        self.sessions = [one for one in self.sessions if not one.ended]
        session = Session(self, next(self._pids), worker)
        self.sessions.append(session)
        return session

    def restart(self) -> None:
        """All sessions break; what was not committed is gone."""
        for session in self.sessions:
            session.end()

    def hold(self, episode: int) -> Callable[[], None]:
        """Somebody is stopped in the middle of an act; returns what ends that."""
        session = self.connect("somebody")
        self.locks[("episode", episode)] = session
        session.locks.append(("episode", episode))
        return session.end

    def set_back(self) -> Callable[[], None]:
        """A dump is made; returns what puts it back, under whoever runs."""
        tables, history = copy.deepcopy(self.tables), list(self.history)
        self.dumps += 1

        def put_back() -> None:
            self.dumps -= 1
            self.restart()
            self.tables, self.history = tables, history

        return put_back

    def go_on(self, topic_id: str, starts: Mapping[int, int], last: Mapping[int, Appended | None]) -> None:
        """Somebody decides that these partitions are read on in another topic; at one instant."""
        self.tables.go_on(topic_id, starts, last)
        for partition, start in starts.items():
            epoch = self.tables.ledger[partition].epoch
            self.history.append(Written(partition, epoch, start, start, epoch, decided=True))

    # transactions

    def take(
        self, db: Session, topic: str, topic_id: str, starts: Mapping[int, int]
    ) -> Generator[float, None, dict[int, Held]]:
        """See :func:`streams.store.ledger.take`."""
        partitions = sorted(starts)
        db.check()
        self._end_stuck(db, partitions)
        db.begin()
        try:
            yield from self._lock(db, [("ledger", p) for p in partitions], _TAKE_S)
            yield self._step(db)
            self._writable(db)
            for p in partitions:
                self.tables.ledger.setdefault(p, LedgerRow(topic_id, starts[p]))
            return {p: self._taken(db, p) for p in partitions}
        finally:
            db.finish()

    def keep(self, db: Session, epochs: Mapping[int, int]) -> None:
        """See :func:`streams.store.ledger.keep`; at once: it waits for nobody who does not wait for it."""
        for p, epoch in epochs.items():
            row = self.tables.ledger.get(p)
            if row is not None and row.epoch == epoch:
                row.owner = db.pid

    def store_round(
        self, db: Session, topic: str, topic_id: str, todo: RoundToStore, fold: object, _readings: object = None
    ) -> Generator[float, None, Stored]:
        """See :func:`streams.store.store.store_round`."""
        db.begin()
        try:
            yield self._step(db)  # staging, before any lock
            yield from self._lock(db, [("ledger", p) for p in sorted(m.partition for m in todo.moves)], _LOCK_S)
            checked = self.check(todo.moves)
            if checked.done:
                return Stored(frozenset(), again=True)
            lost = checked.lost
            if len(lost) == len(todo.moves):
                return Stored(lost)
            yield self._step(db)
            stored = {move.partition for move in todo.moves} - lost
            waiting = [one for one in self.tables.condition_waiting if one.partition in stored]
            mine = waiting + [one for one in todo.writes.conditions if one.partition not in lost]
            held = yield from self._lock_episodes(db, mine)
            yield self._step(db)
            self._writable(db)
            new, differing = self.commit(db, todo, topic_id, lost, held)
        finally:
            db.finish()
        if self._rng.random() < self.call_lost:
            db.end()
            raise psycopg.OperationalError("the connection broke during the commit")
        yield self._step(db)
        return Stored(lost, new, differing)

    def check(self, moves: Sequence[Move]) -> Checked:
        """See :func:`streams.store.ledger.check`."""
        rows = {m.partition: self.tables.ledger.get(m.partition) for m in moves}
        stand = {p: (row.next, row.epoch) for p, row in rows.items() if row is not None}
        lost = frozenset(m.partition for m in moves if stand.get(m.partition) != (m.first, m.epoch))
        return Checked(lost, any(stand.get(m.partition) == (m.next, m.epoch) for m in moves))

    def commit(
        self, db: Session, todo: RoundToStore, topic_id: str, lost: Iterable[int], held: Collection[Subject] = ()
    ) -> tuple[int, int]:
        gone = frozenset(lost)
        stored = [move for move in todo.moves if move.partition not in gone]
        spans = ", ".join(f"{m.partition}: {m.first} to {m.next}" for m in stored)
        self.scheduler.note(db.worker, f"stores {spans}" + (f", has lost {sorted(gone)}" if gone else ""))
        for move in stored:
            row = self.tables.ledger[move.partition]
            row.owner = db.pid
            self.history.append(Written(move.partition, move.epoch, move.first, move.next, row.epoch))
        return self.tables.store(todo, topic_id, gone, held)

    def saved(self, partition: int) -> Saved | None:
        return self.tables.engine_state.get(partition)

    def free(self, lock: Lock) -> bool:
        return lock not in self.locks

    # what they share

    def _step(self, db: Session) -> float:
        if trap := self.traps.pop(db.worker, None):
            trap()
        return self._rng.uniform(0.001, 0.02) if self._rng.random() > 0.03 else self._rng.uniform(0.1, 2.0)

    def _lock(self, db: Session, locks: Sequence[Lock], limit: float) -> Generator[float, None, None]:
        for lock in locks:
            until = self.scheduler.seconds + limit
            while self.locks.setdefault(lock, db) is not db:
                yield _POLL_S
                db.check()
                if self.scheduler.seconds > until:
                    raise psycopg.errors.LockNotAvailable("canceling statement due to lock timeout")
            db.locks.append(lock)
        db.check()

    def _lock_episodes(self, db: Session, conditions: Sequence[Condition]) -> Generator[float, None, set[Subject]]:
        """The subjects of episodes that somebody else holds for longer than a round waits."""
        held, limit = set[Subject](), _PERSON_S
        for episode in self.tables.alarms.ids_of(conditions):
            if self.somebody and self.free(("episode", episode)):
                stopped, self.somebody = self.somebody, None
                stopped(episode)
            try:
                yield from self._lock(db, [("episode", episode)], limit)
            except psycopg.errors.LockNotAvailable:
                limit = 0.0
                one = self.tables.alarms.episodes[episode]
                held.add((one.subject_kind, one.subject))
        return held

    def _writable(self, db: Session) -> None:
        db.check()
        if self.read_only:
            raise psycopg.errors.ReadOnlySqlTransaction("cannot execute INSERT in a read-only transaction")

    def _taken(self, db: Session, partition: int) -> Held:
        row = self.tables.ledger[partition]
        row.epoch, row.owner = row.epoch + 1, db.pid
        self.scheduler.note(db.worker, f"takes {partition} at {row.next}, epoch {row.epoch}")
        last = None if row.last_append is None or row.last_crc is None else Appended(row.last_append, row.last_crc)
        return Held(partition, row.next, row.epoch, row.topic_id, last, row.damage)

    def _end_stuck(self, db: Session, partitions: Iterable[int]) -> None:
        owners = {row.owner for p in partitions if (row := self.tables.ledger.get(p)) is not None}
        for one in self.sessions:
            since = self.scheduler.seconds if one.began is None else one.began
            if one is not db and one.pid in owners and not one.ended and since < self.scheduler.seconds - STUCK_S:
                self.scheduler.note("database", f"session {one.pid} of {one.worker} is ended")
                one.end()
