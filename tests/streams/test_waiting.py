from __future__ import annotations

import time
from types import SimpleNamespace

import numpy as np
import pytest

from streams.assignment import Assignment
from streams.block import Block
from streams.saving import Saving
from streams.settings import WorkerSettings
from streams.waiting import SMALL, Cost, Item, Owned

SIZE = 100


def block(partition, first, count):
    return Block(partition, first, first + count, np.zeros(count, np.int64), [bytes(SIZE)] * count)


@pytest.fixture
async def assignment(tmp_path):
    settings = WorkerSettings(database="", master_key_file=tmp_path, backlog_ms=30, snapshot_s=1000)
    made = Assignment(SimpleNamespace(settings=settings))

    def put(partition, count, end, first=0):
        owned = made._owned.setdefault(partition, Owned(1, 0, first, Saving(1000, time.monotonic()), time.monotonic()))
        owned.waiting.append(Item(block(partition, first, count), False, count * SIZE, f"{partition}@{first + count}"))
        owned.received, owned.end = first + count, end

    made.put = put
    return made


def taken(batch):
    return [(one.block.partition, one.block.first, one.block.next) for one in batch.items]


async def test_partitions_at_their_head_come_before_those_with_a_backlog(assignment):
    for n in range(3):
        assignment.put(1, 4096, 10**6, n * 4096)
    assignment.put(2, 10, 10)
    assignment.put(3, 20, 25)
    batch = assignment.collect(known=False)
    assert taken(batch)[:2] == [(2, 0, 10), (3, 0, 20)]
    assert batch.epochs == {1: 1, 2: 1, 3: 1}
    ((partition, first, next_),) = taken(batch)[2:]
    assert (partition, first) == (1, 0)
    assert SMALL // SIZE <= next_ < 4096  # a part of its first block


async def test_a_backlog_is_handed_out_whole_in_order_and_acknowledged_at_its_end(assignment):
    assignment.put(1, 4096, 10**6)
    assignment.put(1, 4096, 10**6, 4096)
    assignment.put(2, 1, 1)
    at, ends = 0, []
    while at < 8192:
        for one in assignment.collect(known=False).items:
            if one.block.partition == 1:
                assert one.block.first == at
                assert one.size == SIZE * (one.block.next - at)
                at = one.block.next
                ends += [one.event] if one.event else []
    assert ends == ["1@4096", "1@8192"]
    assert not assignment.arrived.is_set()


async def test_alone_a_backlog_takes_whole_rounds(assignment):
    for n in range(7):
        assignment.put(1, 4096, 10**6, n * 4096)
    assert taken(assignment.collect(known=False)) == [(1, n * 4096, (n + 1) * 4096) for n in range(5)]


async def test_a_worker_that_is_late_with_everything_takes_whole_rounds(assignment):
    for n in range(7):
        assignment.put(1, 4096, 10**6, n * 4096)
    assignment.put(2, 10, 10)
    assignment._owned[2].age = 3.0
    assert taken(assignment.collect(known=False))[:3] == [(2, 0, 10), (1, 0, 4096), (1, 4096, 8192)]


async def test_two_backlogs_take_turns(assignment):
    assignment.put(9, 1, 1)
    for n in range(2):
        for partition in (1, 2):
            assignment.put(partition, 4096, 10**6, n * 4096)
    turns = []
    for _ in range(6):
        turns += [p for p, *_ in taken(assignment.collect(known=False)) if p != 9]
    assert turns == [1, 2, 1, 2, 1, 2]


def test_what_a_round_costs_is_learned_apart_from_what_it_costs_anyway():
    cost = Cost()
    for _ in range(100):
        cost.learn(100, 0.010)
        cost.learn(100_000, 0.110)
    assert 25_000 < cost.bytes_in(0.03) < 35_000
    cost.learn(10**6, 300)  # the database was away
    assert 25_000 < cost.bytes_in(0.03) < 35_000
    for _ in range(100):
        cost.learn(100, 0.2)
    assert cost.bytes_in(0.03) > 60_000  # a slow disk: half as much again, not a crawl


