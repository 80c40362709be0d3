from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from streams.engine.opening.block import Block
from streams.store.ledger import Held, Move
from streams.worker.places import LOOK_AGAIN_S, SILENT_S, SNAPSHOTS_A_ROUND, Places, Take
from streams.worker.queue import Queue
from streams.worker.settings import WorkerSettings

EVERY = 60


class Clock:
    now = 1000.0

    def monotonic(self) -> float:
        return self.now

    time = monotonic


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def queue(tmp_path: Path, clock: Clock) -> Queue:
    return Queue(WorkerSettings(database="", master_key_file=tmp_path), clock)


@pytest.fixture
def places(queue: Queue, clock: Clock) -> Places:
    made = Places(queue, clock, EVERY, "a topic")
    made.assign(frozenset(range(10)))
    return made


def own(places: Places, partition: int, offset: int = 0, epoch: int = 1, spread: float = 0.0) -> None:
    places.own(Held(partition, offset, epoch, "a topic"), 0, spread)


def block(partition: int, first: int, count: int) -> Block:
    return Block(partition, first, first + count, np.zeros(count, np.int64), [b"x"] * count)


def taken(take: Take) -> list[tuple[int, int, bool]]:
    return [(item.block.first, item.block.next, item.known) for item in take.items]


def test_nothing_is_taken_while_the_group_decides(places: Places) -> None:
    assert places.decided({1, 20}) == {1}
    places.revoke()
    assert places.decided({1}) == set()
    places.assign(frozenset({2}))
    assert places.decided({1, 2}) == {2}


def test_what_is_owned_or_being_taken_is_not_missing(places: Places) -> None:
    own(places, 1)
    places.taking.add(2)
    assert places.missing({1, 2, 3, 99}) == {3}


def test_records_stored_already_are_known_and_the_others_are_fresh(places: Places) -> None:
    own(places, 1, offset=5, epoch=7)
    assert places.receive(block(1, 0, 8), 8)
    assert places.positions({1, 2}) == {1: 8}
    known = places.take(known=True)
    assert taken(known) == [(0, 5, True)]
    fresh = places.take(known=False)
    assert taken(fresh) == [(5, 8, False)]
    assert fresh.epochs == {1: 7}


def test_a_gap_is_sought_once_until_the_missing_records_come(places: Places) -> None:
    own(places, 1)
    assert not places.receive(block(1, 4, 2), 6)
    assert places.receive(block(1, 4, 2), 6)
    assert places.receive(block(1, 0, 4), 6)
    assert not places.receive(block(1, 6, 2), 8)
    assert places.positions({1}) == {1: 4}


def test_a_record_that_came_already_is_passed_over(places: Places) -> None:
    own(places, 1)
    places.receive(block(1, 0, 4), 6)
    places.receive(block(1, 2, 4), 6)
    assert taken(places.take(known=False)) == [(0, 4, False), (4, 6, False)]


def test_few_states_are_saved_a_round_and_each_at_its_time(places: Places, clock: Clock) -> None:
    for partition in range(6):
        own(places, partition, spread=1.0)
        places.receive(block(partition, 0, 1), 1)
    assert len(places.take(known=False).save) == SNAPSHOTS_A_ROUND
    for partition in range(6):
        places.receive(block(partition, 1, 1), 2)
    assert len(places.take(known=False).save) == 2


def test_what_is_forgotten_waits_no_more(places: Places, queue: Queue) -> None:
    own(places, 1)
    places.receive(block(1, 0, 4), 6)
    assert places.forget([1, 2]) == [1]
    assert not queue.lines
    assert places.epochs() == {}


def test_a_partition_taken_back_meanwhile_is_not_lost(places: Places) -> None:
    own(places, 1, epoch=2)
    own(places, 3, epoch=2)
    moves = [Move(p, epoch, 0, 1, 0, 0) for p, epoch in ((1, 1), (3, 2), (4, 2))]
    assert places.lost(moves, {1, 3, 4}) == {3}


def test_a_silent_partition_is_named_once_in_a_while(places: Places, clock: Clock) -> None:
    own(places, 1)
    assert list(places.silent()) == []
    clock.now += SILENT_S
    assert list(places.silent()) == [1]
    assert list(places.silent()) == []


def test_a_damaged_partition_is_looked_at_again_until_it_is_whole(places: Places, clock: Clock) -> None:
    places.found({1: "the log was cut back", 2: None})
    assert places.look_again() == set()
    clock.now += LOOK_AGAIN_S + 1
    assert places.look_again() == {1}
    assert places.look_again() == set()
    places.found({1: None})
    clock.now += LOOK_AGAIN_S + 1
    assert places.look_again() == set()
