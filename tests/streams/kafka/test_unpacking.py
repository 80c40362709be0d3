from __future__ import annotations

import struct

import numpy as np
import pytest
from aiokafka.consumer.fetcher import READ_UNCOMMITTED, PartitionRecords
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import calc_crc32c
from aiokafka.structs import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from streams.kafka.unpacking import Unpacking

NONE, GZIP, SNAPPY, LZ4, ZSTD = range(5)
LOG_APPEND_TIME, CONTROL = 8, 32
_CRC_AT, _ATTRIBUTES_AT, _MAX_TIMESTAMP_AT = 17, 21, 35


def batch(first, deltas, values, *, codec=NONE, attributes=0, appended=1_700_000_000_000):
    """One batch as a broker stores it: records at `first` + `deltas`, appended at one time if `attributes` say so."""
    builder = DefaultRecordBatchBuilder(
        magic=2, compression_type=codec, is_transactional=0, producer_id=-1, producer_epoch=-1, base_sequence=-1,
        batch_size=1 << 20,
    )  # fmt: skip
    for delta, value in zip(deltas, values, strict=True):
        headers = [("h", b"1")] if delta % 3 == 0 else []
        builder.append(delta, timestamp=5000 + delta, key=b"abcd", value=value, headers=headers)
    data = bytearray(builder.build())
    struct.pack_into(">q", data, 0, first)
    struct.pack_into(">h", data, _ATTRIBUTES_AT, struct.unpack_from(">h", data, _ATTRIBUTES_AT)[0] | attributes)
    if attributes & LOG_APPEND_TIME:
        struct.pack_into(">q", data, _MAX_TIMESTAMP_AT, appended)
    struct.pack_into(">I", data, _CRC_AT, calc_crc32c(bytes(data[_ATTRIBUTES_AT:])))
    return bytes(data)


@st.composite
def fetches(draw):
    """The bytes of a fetch, and the position it was asked from (inside the first batch, as often as not)."""
    data, at = b"", draw(st.integers(0, 2**40))
    position = None
    for n in range(draw(st.integers(1, 4))):
        steps = draw(st.lists(st.sampled_from([1, 1, 1, 1, 2, 5]), min_size=1, max_size=8))
        deltas = (np.cumsum(steps) - steps[0]).tolist()
        values = draw(st.lists(st.none() | st.binary(max_size=300), min_size=len(deltas), max_size=len(deltas)))
        attributes = draw(st.sampled_from([0, LOG_APPEND_TIME, LOG_APPEND_TIME, LOG_APPEND_TIME | CONTROL]))
        codec = NONE if attributes & CONTROL else draw(st.sampled_from([NONE, GZIP, SNAPPY, LZ4, ZSTD]))
        data += batch(at, deltas, values, codec=codec, attributes=attributes, appended=1_700_000_000_000 + n)
        if position is None:
            position = at + draw(st.integers(0, deltas[-1]))
        at += deltas[-1] + 1 + draw(st.sampled_from([0, 0, 0, 3]))
    return data, position


def aiokafkas(data, position):
    """What aiokafka itself makes of it."""
    records = PartitionRecords(
        TopicPartition("t", 3), MemoryRecords(data), None, position, None, None, True, READ_UNCOMMITTED
    )
    found = [(one.offset, one.timestamp, one.value or b"") for one in records]
    return found, records.next_fetch_offset


def ours(data, position, most):
    unpacking = Unpacking(3, MemoryRecords(data), position)
    blocks = []
    while not unpacking.done:
        blocks += unpacking.take(most)
    return blocks, unpacking.position


@given(fetches(), st.sampled_from([1, 3, 10_000]))
def test_a_fetch_unpacks_to_the_same_records_and_position_as_aiokafkas_own(fetch, most):
    data, position = fetch
    blocks, after = ours(data, position, most)
    for block in blocks:
        assert block.next - block.first == len(block.values) == len(block.appended) > 0
        assert block.appended.dtype == np.int64
        assert block.partition == 3
    flat = [(block.first + n, int(block.appended[n]), value) for block in blocks for n, value in enumerate(block.values)]
    assert (flat, after) == aiokafkas(data, position)


def test_batches_that_follow_each_other_become_one_block_and_a_gap_begins_another():
    data = b"".join(batch(first, range(4), [b"x"] * 4, attributes=LOG_APPEND_TIME) for first in (10, 14, 20))
    blocks, after = ours(data, 12, 10_000)
    assert [(block.first, block.next) for block in blocks] == [(12, 18), (20, 24)]
    assert after == 24


def test_a_batch_whose_bytes_changed_is_not_taken():
    data = bytearray(batch(0, range(4), [b"x"] * 4, attributes=LOG_APPEND_TIME))
    data[-3] ^= 1
    with pytest.raises(CorruptRecordException, match="partition 3"):
        ours(bytes(data), 0, 10_000)
