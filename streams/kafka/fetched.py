"""Fetched: an aiokafka consumer's answers to fetches, taken as blocks instead of as records.

It stands where ``aiokafka.consumer.fetcher.Fetcher.fetched_records`` (0.14.0, pinned) stands and keeps its rules: nothing
while a rebalance is under way, nothing that no longer fits the position, an error of a partition only when nothing else is
there.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from typing import Any

from aiokafka.consumer.fetcher import READ_UNCOMMITTED, FetchResult
from aiokafka.errors import CorruptRecordException
from aiokafka.structs import TopicPartition

from streams.engine.opening.block import Block
from streams.kafka.unpacking import Unpacking

Blocks = dict[TopicPartition, list[Block]]


async def fetched(fetcher: Any, wanted: Collection[TopicPartition], timeout: float, most: int) -> Blocks:
    """About ``most`` records of the partitions ``wanted``: those that are there, or else the first that come within
    ``timeout`` seconds.  Runs in the consumer's own event loop.

    Raises:
        KafkaError: what the broker answered, or a batch that cannot be read.
    """
    end = time.monotonic() + timeout
    while not fetcher._closed:
        if fetcher._subscriptions.reassignment_in_progress:
            await fetcher._subscriptions.wait_for_assignment()
        if found := _take(fetcher, wanted, most):
            return found
        waiter = fetcher._create_fetch_waiter()
        await asyncio.wait([waiter], timeout=max(0.0, end - time.monotonic()))
        if not waiter.done():
            waiter.cancel()
            break
        waiter.result()  # an error of the group's coordinator
    return {}


def _take(fetcher: Any, wanted: Collection[TopicPartition], most: int) -> Blocks:
    found: Blocks = {}
    for tp in list(fetcher._records):
        if tp not in wanted:
            if not fetcher._subscriptions.is_assigned(tp):
                del fetcher._records[tp]
            continue
        result = fetcher._records[tp]
        if type(result) is FetchResult:
            blocks = _unpack(fetcher, tp, result, most) if result.check_assignment(tp) and result.has_more() else []
            if not result.has_more():
                _next_fetch(fetcher, tp)
            if blocks:
                found[tp] = blocks
                most -= sum(len(block.values) for block in blocks)
                if most <= 0:
                    break
        elif found:
            break  # the error's turn comes with the next call
        else:
            _next_fetch(fetcher, tp)
            result.check_raise()
    return found


def _unpack(fetcher: Any, tp: TopicPartition, result: Any, most: int) -> list[Block]:
    """Take blocks out of ``result``; the consumer's position moves on with them."""
    records = result._partition_records
    if not isinstance(getattr(records, "unpacking", None), Unpacking):
        assert fetcher._isolation_level == READ_UNCOMMITTED  # else aborted transactions would have to be left out
        records.unpacking = Unpacking(
            tp.partition,
            records._records,
            records.next_fetch_offset,
            check_crcs=fetcher._check_crcs,
            doubted=_doubts(fetcher).get(tp),
        )
    unpacking: Unpacking = records.unpacking
    try:
        blocks = unpacking.take(most)
    except CorruptRecordException:  # on its way here, or in the log: the second fetch shows which
        _doubts(fetcher)[tp] = unpacking.doubts
        result._partition_records = None
        return []
    records.next_fetch_offset = unpacking.position
    result._update_position()
    if unpacking.done:
        result._partition_records = None
    return blocks


def _doubts(fetcher: Any) -> dict[TopicPartition, int]:
    """Where a batch came changed, by partition."""
    doubts: dict[TopicPartition, int] = vars(fetcher).setdefault("doubts", {})
    return doubts


def _next_fetch(fetcher: Any, tp: TopicPartition) -> None:
    del fetcher._records[tp]
    fetcher._notify(fetcher._wait_consume_future)
