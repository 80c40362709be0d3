"""Records of patients, opened and stored as a worker stores a round of them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from alerts.fold.episode_rows import Subject
from devices.vitals import Vital
from streams.engine.opening.opening import open_blocks
from streams.engine.round import Round
from streams.engine.writes import LATE, LATEST, ROLLUP, Writes
from streams.store import ledger
from streams.store.conditions import fold_nothing
from streams.store.ledger import Move
from streams.store.store import RoundToStore, store_round
from tests.alerts.conftest import Db
from tests.streams.engine.opening.test_opening import blocks_of
from tests.streams.producing import World

HR = Vital.HEART_RATE
TOPIC, TOPIC_ID = "vitals.v1", "abc"


def writes_of(round_: Round):
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


def to_store(world: World, records, held: Collection[Subject], first=0, **changes):
    blocks = blocks_of(records, first=first)
    round_ = open_blocks(blocks, world.ring())
    writes = replace(writes_of(round_), **changes)
    moves = [Move(b.partition, held[b.partition].epoch, b.first, b.next, int(b.appended[-1]), 1) for b in blocks]
    return RoundToStore(writes, [value for block in blocks for value in block.values], moves)


def take(db: Db, *partitions):
    return ledger.take(db, TOPIC, TOPIC_ID, dict.fromkeys(partitions, 0))


def store(db: Db, todo: RoundToStore, fold: object = fold_nothing):
    return store_round(db, TOPIC, TOPIC_ID, todo, fold)


def rows(db: Db, query):
    return db.execute(query).fetchall()


def latest(*values):
    return np.array(list(values), LATEST)


def rollup(minute: int, mean: int, second, offset: int = 0):
    return (1, HR, 1001, 1, minute, 3, mean, 1, 2, 1, 2, np.nan, 0.5, 4, second, offset)
