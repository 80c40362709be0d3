from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from streams.engine.columns.arrays import Ints
from streams.engine.opening.block import Block
from streams.worker.queue import SMALL, Cost, Item, Line, Queue
from streams.worker.settings import WorkerSettings

SIZE = 100


def block(partition: int, first: int, count: int, appended: Ints | None = None) -> Block:
    times = np.zeros(count, np.int64) if appended is None else appended
    return Block(partition, first, first + count, times, [bytes(SIZE)] * count)


@pytest.fixture
def settings(tmp_path: Path) -> WorkerSettings:
    return WorkerSettings(database="", master_key_file=tmp_path, backlog_ms=30, refold_ms=20)


@pytest.fixture
async def queue(settings: WorkerSettings) -> Queue:
    return Queue(settings, time)


def put(
    queue: Queue,
    partition: int,
    count: int,
    end: int,
    first: int = 0,
    appended: Ints | None = None,
    known: bool = False,
) -> None:
    line = queue.lines.setdefault(partition, Line(first, time.monotonic()))
    queue.put(block(partition, first, count, appended), known=known)
    line.received, line.end = first + count, end


def taken(items: Iterable[Item]) -> list[tuple[int, int, int]]:
    return [(one.block.partition, one.block.first, one.block.next) for one in items]


async def test_partitions_at_their_head_come_before_those_with_a_backlog(queue: Queue) -> None:
    for n in range(3):
        put(queue, 1, 4096, 10**6, n * 4096)
    put(queue, 2, 10, 10)
    put(queue, 3, 20, 25)
    items = queue.take(known=False)
    assert taken(items)[:2] == [(2, 0, 10), (3, 0, 20)]
    ((partition, first, next_),) = taken(items)[2:]
    assert (partition, first) == (1, 0)
    assert SMALL // SIZE <= next_ < 4096  # a part of its first block


async def test_more_is_folded_again_in_a_round_than_is_stored_of_a_backlog(queue: Queue) -> None:
    put(queue, 1, 4096, 10**6, known=True)
    put(queue, 2, 4096, 10**6)
    put(queue, 3, 10, 10)
    fresh, known = (taken(queue.take(known=known)) for known in (False, True))
    assert fresh[0] == (3, 0, 10)
    records = {partition: next_ - first for partition, first, next_ in [*fresh, *known]}
    assert records[1] > 3 * records[2]
    item = Item(block(1, 0, 4096), True, 4096 * SIZE)
    for _ in range(50):  # it goes faster than was thought: by what folding takes, not what storing does
        queue.learn([item], 0.01)
        queue.learn([Item(item.block, False, item.size)], 0.4)
    put(queue, 3, 10, 20, 10)
    assert taken(queue.take(known=True)) == [(1, records[1], 4096)]
    assert taken(queue.take(known=False))[1][2] - records[2] < 2 * records[2]


async def test_a_backlog_is_handed_out_whole_and_in_order(queue: Queue) -> None:
    put(queue, 1, 4096, 10**6)
    put(queue, 1, 4096, 10**6, 4096)
    put(queue, 2, 1, 1)
    at = 0
    while at < 8192:
        for one in queue.take(known=False):
            if one.block.partition == 1:
                assert one.block.first == at
                assert one.size == SIZE * (one.block.next - at)
                at = one.block.next
    assert at == 8192
    assert not queue.arrived.is_set()


async def test_alone_a_backlog_takes_whole_rounds(queue: Queue) -> None:
    for n in range(7):
        put(queue, 1, 4096, 10**6, n * 4096)
    assert taken(queue.take(known=False)) == [(1, n * 4096, (n + 1) * 4096) for n in range(5)]


async def test_a_worker_that_is_late_with_everything_takes_whole_rounds(queue: Queue) -> None:
    for n in range(7):
        put(queue, 1, 4096, 10**6, n * 4096)
    put(queue, 2, 10, 10)
    queue.lines[2].age = 3.0
    assert taken(queue.take(known=False))[:3] == [(2, 0, 10), (1, 0, 4096), (1, 4096, 8192)]


async def test_two_backlogs_take_turns(queue: Queue) -> None:
    put(queue, 9, 1, 1)
    for n in range(2):
        for partition in (1, 2):
            put(queue, partition, 4096, 10**6, n * 4096)
    turns = []
    for _ in range(6):
        turns += [p for p, *_ in taken(queue.take(known=False)) if p != 9]
    assert turns == [1, 2, 1, 2, 1, 2]


async def test_of_more_than_a_round_takes_each_partition_gives_what_was_appended_up_to_one_time(
    queue: Queue, settings: WorkerSettings
) -> None:
    rng = np.random.default_rng(1)
    for partition in range(12):
        times = np.sort(rng.integers(partition, 60_000, 3000 + 500 * (partition % 3)))
        put(queue, partition, len(times), 10**6, appended=times)
    until, rounds, at = 0, 0, dict.fromkeys(range(12), 0)
    while items := queue.take(known=False):
        assert sum(len(item.block.values) for item in items) <= settings.round_records
        for item in items:
            assert item.block.first == at[item.block.partition]
            at[item.block.partition] = item.block.next
        assert min(item.block.appended.min() for item in items) >= until
        until, rounds = max(item.block.appended.max() for item in items), rounds + 1
    assert list(at.values()) == [3000, 3500, 4000] * 4
    assert rounds == 3  # of 42,000 records; a minute of a partition after the other would be gone through three times


async def test_a_partition_hours_behind_takes_turns_with_one_that_is_minutes_behind(
    queue: Queue, settings: WorkerSettings
) -> None:
    for partition, behind in ((1, 6 * 3600), (2, 300)):
        for n in range(4):
            put(
                queue,
                partition,
                4096,
                10**6,
                n * 4096,
                10**8 - behind * 1000 + np.arange(4096, dtype=np.int64) * 10 + n * 40960,
            )
    items = queue.take(known=False)
    given = [sum(len(i.block.values) for i in items if i.block.partition == partition) for partition in (1, 2)]
    assert abs(given[0] - given[1]) < 10
    assert sum(given) > 0.9 * settings.round_records


@pytest.mark.parametrize("seed", range(60))
async def test_whatever_waits_is_handed_out_once_and_in_order(queue: Queue, seed: int) -> None:
    rng = np.random.default_rng(seed)
    waits = dict.fromkeys(range(5), 0)
    for _ in range(int(rng.integers(1, 12))):
        partition, count = int(rng.integers(5)), int(rng.integers(1, 4000))
        times = rng.integers(0, rng.choice([1, 3, 1000, 10**6]), count)
        if rng.random() < 0.7:  # a broker's clock may go back
            times.sort()
        put(queue, partition, count, 10**6, waits[partition], times)
        waits[partition] += count
    if rng.random() < 0.5:
        put(queue, 9, 1, 1)
    at = dict.fromkeys(range(5), 0)
    while any(line.items for line in queue.lines.values()):
        items = queue.take(known=False)
        assert items
        for item in items:
            if item.block.partition != 9:
                assert item.block.first == at[item.block.partition]
                at[item.block.partition] = item.block.next
    assert at == waits


def test_what_a_round_costs_is_learned_apart_from_what_it_costs_anyway() -> None:
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
