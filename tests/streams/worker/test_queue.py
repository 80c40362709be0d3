from __future__ import annotations

import time
from types import SimpleNamespace

import numpy as np
import pytest

from streams.engine.opening.block import Block
from streams.worker.assignment import Assignment
from streams.worker.queue import SMALL, Cost, Item, Owned
from streams.worker.settings import WorkerSettings
from streams.worker.snapshot_schedule import Saving

SIZE = 100


def block(partition, first, count, appended=None):
    appended = np.zeros(count, np.int64) if appended is None else appended
    return Block(partition, first, first + count, appended, [bytes(SIZE)] * count)


@pytest.fixture
async def assignment(tmp_path):
    settings = WorkerSettings(database="", master_key_file=tmp_path, backlog_ms=30, refold_ms=20, snapshot_s=1000)
    made = Assignment(SimpleNamespace(settings=settings))

    def put(partition, count, end, first=0, appended=None, known=False):
        owned = made._owned.setdefault(partition, Owned(1, 0, first, Saving(1000, time.monotonic()), time.monotonic()))
        one = block(partition, first, count, appended)
        owned.waiting.append(Item(one, known, count * SIZE, f"{partition}@{one.next}"))
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


async def test_more_is_folded_again_in_a_round_than_is_stored_of_a_backlog(assignment):
    assignment.put(1, 4096, 10**6, known=True)
    assignment.put(2, 4096, 10**6)
    assignment.put(3, 10, 10)
    fresh, known = (taken(assignment.collect(known=known)) for known in (False, True))
    assert fresh[0] == (3, 0, 10)
    records = {partition: next_ - first for partition, first, next_ in [*fresh, *known]}
    assert records[1] > 3 * records[2]
    item = Item(block(1, 0, 4096), True, 4096 * SIZE)
    for _ in range(50):  # it goes faster than was thought: by what folding takes, not what storing does
        assignment.took([item], 0.01)
        assignment.took([Item(item.block, False, item.size)], 0.4)
    assignment.put(3, 10, 20, 10)
    assert taken(assignment.collect(known=True)) == [(1, records[1], 4096)]
    assert taken(assignment.collect(known=False))[1][2] - records[2] < 2 * records[2]


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


async def test_of_more_than_a_round_takes_each_partition_gives_what_was_appended_up_to_one_time(assignment):
    rng = np.random.default_rng(1)
    for partition in range(12):
        times = np.sort(rng.integers(partition, 60_000, 3000 + 500 * (partition % 3)))
        assignment.put(partition, len(times), 10**6, appended=times)
    until, rounds, at = 0, 0, dict.fromkeys(range(12), 0)
    while batch := assignment.collect(known=False).items:
        assert sum(len(item.block.values) for item in batch) <= assignment._settings.round_records
        for item in batch:
            assert item.block.first == at[item.block.partition]
            at[item.block.partition] = item.block.next
        assert min(item.block.appended.min() for item in batch) >= until
        until, rounds = max(item.block.appended.max() for item in batch), rounds + 1
    assert list(at.values()) == [3000, 3500, 4000] * 4
    assert rounds == 3  # of 42,000 records; a minute of a partition after the other would be gone through three times


async def test_a_partition_hours_behind_takes_turns_with_one_that_is_minutes_behind(assignment):
    for partition, behind in ((1, 6 * 3600), (2, 300)):
        for n in range(4):
            assignment.put(partition, 4096, 10**6, n * 4096, 10**8 - behind * 1000 + np.arange(4096) * 10 + n * 40960)
    batch = assignment.collect(known=False).items
    given = [sum(len(i.block.values) for i in batch if i.block.partition == partition) for partition in (1, 2)]
    assert abs(given[0] - given[1]) < 10
    assert sum(given) > 0.9 * assignment._settings.round_records


@pytest.mark.parametrize("seed", range(60))
async def test_whatever_waits_is_handed_out_once_and_in_order(assignment, seed):
    rng = np.random.default_rng(seed)
    waits = dict.fromkeys(range(5), 0)
    for _ in range(int(rng.integers(1, 12))):
        partition, count = int(rng.integers(5)), int(rng.integers(1, 4000))
        times = rng.integers(0, rng.choice([1, 3, 1000, 10**6]), count)
        if rng.random() < 0.7:  # a broker's clock may go back
            times.sort()
        assignment.put(partition, count, 10**6, waits[partition], times)
        waits[partition] += count
    if rng.random() < 0.5:
        assignment.put(9, 1, 1)
    at = dict.fromkeys(range(5), 0)
    while any(owned.waiting for owned in assignment._owned.values()):
        batch = assignment.collect(known=False)
        assert batch.items
        for item in batch.items:
            if item.block.partition != 9:
                assert item.block.first == at[item.block.partition]
                at[item.block.partition] = item.block.next
    assert at == waits


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
