"""Bugs, planted on purpose: parts of the world that are broken in one way each.  The simulation has to find them."""

from __future__ import annotations

from collections.abc import Collection, Generator, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from alerts.fold.episode_rows import Subject
from gateway.outbox.outbox import _answer
from streams.engine.engine import Engine
from streams.engine.round import RECORD, Round
from streams.engine.stage import Stage
from streams.engine.writes import LATE, LATEST, ROLLUP, Writes
from streams.store.ledger import Checked, Move
from streams.store.store import RoundToStore, Stored
from tests.simulation.database import Database, Session
from tests.simulation.disk import SimStore
from tests.simulation.home import SimOutbox
from tests.simulation.tables import Reading, Tables
from tests.simulation.world import Parts

_LATER_S: Final = 0.3
_NOTHING: Final = Writes(
    Round(np.zeros(0, RECORD)), np.zeros(0, bool), np.zeros(0, np.uint8),
    np.empty(0, ROLLUP), np.empty(0, LATE), np.empty(0, LATEST),
)  # fmt: skip


class AnswersFirst(SimOutbox):
    """Acknowledges, and commits a little later."""

    def _commit(self, group: Sequence[Any]) -> None:
        self._finish()
        self._store.begin()
        self._uncommitted = True
        for command, future in group:
            _answer(future, self._store.apart(command))
        self._loop.call_later(_LATER_S, self._finish)

    def _finish(self) -> None:
        if getattr(self, "_uncommitted", False):
            self._uncommitted = False
            self._store.commit()


class CountsRows(SimStore):
    """Begins to count behind the readings it still has: after a restart, sequences of those that went are used again."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._db.execute("delete from reading where delivered is not null")
        self._db.execute(
            "update counter set next = (select coalesce(max(sequence) + 1, 0) from reading where device = counter.device)"
        )


class NoEpoch(Database):
    """Compares offsets alone."""

    def check(self, moves: Sequence[Move]) -> Checked:
        stand = {m.partition: self.tables.ledger[m.partition].next for m in moves}
        lost = frozenset(m.partition for m in moves if stand[m.partition] != m.first)
        return Checked(lost, any(stand[m.partition] == m.next for m in moves))


class NoFence(Database):
    """Compares nothing."""

    def check(self, moves: Sequence[Move]) -> Checked:
        return Checked(frozenset(), done=False)


class LedgerFirst(Database):
    """Moves the ledger in a transaction of its own, before the rows."""

    def commit(
        self, db: Session, todo: RoundToStore, topic_id: str, lost: Iterable[int], held: Collection[Subject] = ()
    ) -> tuple[int, int]:
        super().commit(db, replace(todo, writes=_NOTHING, values=[], snapshots=[]), topic_id, lost)
        return 0, 0

    def store_round(self, db: Session, *args: Any) -> Generator[float, None, Stored]:
        todo, lost = args[2], self.check(args[2].moves).lost
        stored = yield from super().store_round(db, *args)
        yield self._step(db)
        db.check()
        if not stored.again:
            self.tables.store(replace(todo, moves=[]), args[1], lost)
        return stored


class NullInKey(Tables):
    """Readings that stand first in their record have NULL in their key, which equals nothing."""

    def reading_key(self, row: Reading) -> Hashable:
        return row.key if row.nth else (*row.key, object())


class DropsHeld(Tables):
    """Gives up the conditions whose episode somebody holds."""

    def store(
        self, todo: RoundToStore, topic_id: str, lost: Collection[int], held: Collection[Subject] = ()
    ) -> tuple[int, int]:
        done = super().store(todo, topic_id, lost, held)
        self.condition_waiting.clear()
        return done


def without(axis: str, table: str, field: str) -> type[Engine]:
    """An engine whose snapshots leave out one field of one table."""

    class Forgets(Engine):
        def __init__(self, stages: Sequence[Stage] = ()) -> None:
            super().__init__(stages)
            axes = {**self.layout.axes, "dense": self.layout.dense.axis, "sparse": self.layout.sparse.axis}
            changed = axes[axis].tables[table]
            whole, fill = changed.pack, changed.FIELDS[field].fill

            def pack(columns: slice) -> dict[str, npt.NDArray[Any]]:
                packed = whole(columns)
                return {**packed, field: np.full_like(packed[field], fill)}

            changed.pack = pack  # type: ignore[method-assign]

    return Forgets


@dataclass(frozen=True, slots=True)
class Bug:
    """``says``: what stands in the sentence that tells of it."""

    name: str
    parts: Parts
    says: tuple[str, ...]


_LEFT_OUT: Final = (
    ("dense", "limits", "active"),
    ("dense", "newest", "second"),
    ("senders", "sensor_off", "good"),
    ("links", "gateway_offline", "received"),
    ("patients", "news2", "level"),
)
ROWS: Final = ("is stored", " is None", ", not ", "settled")
BUGS: Final = (
    Bug("acknowledge before commit", Parts(outbox=AnswersFirst), ("acknowledged, and is nowhere", "disk is full")),
    Bug(
        "sequence reused",
        Parts(store=CountsRows),
        ("stored 2 times", "sealed with two contents", "acknowledged, and is nowhere"),
    ),
    Bug("no epoch check", Parts(database=NoEpoch), ("written under epoch", "a state was lost")),
    Bug("no check of the ledger", Parts(database=NoFence), ("when it stood at", "written under epoch")),
    Bug("ledger before rows", Parts(database=LedgerFirst), (*ROWS, "acknowledged, and is nowhere")),
    Bug("NULL in a key", Parts(tables=NullInKey), ("is stored 2 times",)),
    Bug("a held condition dropped", Parts(tables=DropsHeld), ("conditions of",)),
    *(Bug(f"snapshot without {' '.join(name)}", Parts(engine=without(*name)), ROWS) for name in _LEFT_OUT),
)
