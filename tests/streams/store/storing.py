"""Records of patients, opened and stored as a worker stores a round of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from devices.vitals import Vital
from streams.engine.columns.arrays import Rows
from streams.engine.opening.opening import open_blocks
from streams.engine.round import Round
from streams.engine.writes import LATE, LATEST, ROLLUP, Writes
from streams.store import ledger
from streams.store.conditions import FoldConditions, fold_nothing
from streams.store.ledger import Held, Move
from streams.store.store import RoundToStore, Stored, store_round
from tests.alerts.conftest import Db
from tests.streams.engine.opening.test_opening import blocks_of
from tests.streams.producing import Record, World

HR = Vital.HEART_RATE
TOPIC, TOPIC_ID = "vitals.v1", "abc"


def writes_of(round_: Round) -> Writes:
    return Writes(
        round_,
        np.ones(len(round_.samples), bool),
        round_.samples["status"].copy(),
        np.empty(0, ROLLUP),
        np.empty(0, LATE),
        np.empty(0, LATEST),
        list(round_.events),
        list(round_.controls),
        list(round_.rejected),
    )


def to_store(
    world: World, records: Iterable[Record], held: Mapping[int, Held], first: int = 0, **changes: Any
) -> RoundToStore:
    """``changes`` of the :class:`Writes` that the records alone would make."""
    blocks = blocks_of(records, first=first)
    round_ = open_blocks(blocks, world.ring())
    writes = replace(writes_of(round_), **changes)
    moves = [Move(b.partition, held[b.partition].epoch, b.first, b.next, int(b.appended[-1]), 1) for b in blocks]
    return RoundToStore(writes, [value for block in blocks for value in block.values], moves)


def take(db: Db, *partitions: int) -> dict[int, Held]:
    return ledger.take(db, TOPIC, TOPIC_ID, dict.fromkeys(partitions, 0))


def store(db: Db, todo: RoundToStore, fold: FoldConditions = fold_nothing) -> Stored:
    return store_round(db, TOPIC, TOPIC_ID, todo, fold)


def rows(db: Db, query: str) -> list[tuple[Any, ...]]:
    return db.execute(query).fetchall()


def latest(*values: tuple[float, ...]) -> Rows:
    return np.array(list(values), LATEST)


def rollup(minute: int, mean: int, second: int, offset: int = 0) -> tuple[float, ...]:
    return (1, HR, 1001, 1, minute, 3, mean, 1, 2, 1, 2, np.nan, 0.5, 4, second, offset)
