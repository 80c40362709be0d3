from __future__ import annotations

import resource
import struct
from collections.abc import Iterable, Sequence

import numpy as np
import pytest
from aiokafka.codec import gzip_encode, lz4_encode, snappy_encode, zstd_encode
from aiokafka.consumer.fetcher import READ_UNCOMMITTED, PartitionRecords
from aiokafka.errors import CorruptRecordException
from aiokafka.record._crecords import default_records, legacy_records
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import calc_crc32c
from aiokafka.structs import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from streams.engine.opening.block import Block
from streams.kafka import decompression, unpacking
from streams.kafka.unpacking import Unpacking

NONE, GZIP, SNAPPY, LZ4, ZSTD = range(5)
LOG_APPEND_TIME, CONTROL = 8, 32
_CRC_AT, _ATTRIBUTES_AT, _LAST_DELTA_AT, _MAX_TIMESTAMP_AT, _RECORDS_AT = 17, 21, 23, 35, 61


def batch(
    first: int,
    deltas: Iterable[int],
    values: Sequence[bytes | None],
    *,
    codec: int = NONE,
    attributes: int = 0,
    appended: int = 1_700_000_000_000,
) -> bytes:
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
def fetches(draw: st.DrawFn) -> tuple[bytes, int]:
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
    assert position is not None
    return data, position


def aiokafkas(data: bytes, position: int) -> tuple[list[tuple[int, int, bytes]], int]:
    """What aiokafka itself makes of it."""
    records = PartitionRecords(
        TopicPartition("t", 3), MemoryRecords(data), None, position, None, None, True, READ_UNCOMMITTED
    )
    found = [(one.offset, one.timestamp, one.value or b"") for one in records]
    return found, records.next_fetch_offset


def ours(data: bytes, position: int, most: int) -> tuple[list[Block], int]:
    found = Unpacking(3, MemoryRecords(data), position)
    blocks: list[Block] = []
    while not found.done:
        blocks += found.take(most)
    return blocks, found.position


@given(fetches(), st.sampled_from([1, 3, 10_000]))
def test_a_fetch_unpacks_to_the_same_records_and_position_as_aiokafkas_own_and_no_offset_is_left_out(
    fetch: tuple[bytes, int], most: int
) -> None:
    data, position = fetch
    blocks, after = ours(data, position, most)
    at = position
    for block in blocks:
        assert block.first == at
        assert block.next - block.first == len(block.values) == len(block.appended) > 0
        assert block.appended.dtype == np.int64
        assert block.partition == 3
        assert block.fault in {"", unpacking.UNSTAMPED} or not any(block.values)
        assert not block.fault or not block.appended.any()
        at = block.next
    assert at == after
    theirs, their_position = aiokafkas(data, position)
    flat = [(b.first + n, value) for b in blocks if b.fault in {"", unpacking.UNSTAMPED} for n, value in enumerate(b.values)]
    assert (flat, after) == ([(offset, value) for offset, _, value in theirs], their_position)
    stamped = [(b.first + n, int(b.appended[n])) for b in blocks if not b.fault for n in range(len(b.values))]
    assert set(stamped) <= {(offset, appended) for offset, appended, _ in theirs}


def stretches(data: bytes, position: int = 0, doubted: int | None = None) -> list[tuple[int, int, str]]:
    found = Unpacking(3, MemoryRecords(data), position, doubted=doubted)
    blocks: list[Block] = []
    while not found.done:
        blocks += found.take(10_000)
    return [(block.first, block.next, block.fault) for block in blocks]


def whole(first: int, n: int = 4, **changes: int) -> bytes:
    return batch(first, range(n), [b"x"] * n, **{"attributes": LOG_APPEND_TIME, **changes})


def test_batches_that_follow_each_other_become_one_block_and_what_is_missing_has_a_fault() -> None:
    data = b"".join(whole(first) for first in (10, 14, 20))
    assert stretches(data, 12) == [(12, 18, ""), (18, 20, unpacking.MISSING), (20, 24, "")]


def test_a_hole_of_millions_comes_in_parts_as_large_as_was_asked() -> None:
    unpacked = Unpacking(3, MemoryRecords(whole(5_000_000)), 0)
    (block,) = unpacked.take(1000)
    assert (block.first, block.next, block.fault) == (0, 1000, unpacking.MISSING)
    assert unpacked.position == 1000


def test_a_batch_whose_bytes_changed_is_fetched_again_and_then_refused_alone() -> None:
    changed = bytearray(whole(4))
    changed[-3] ^= 1
    data = whole(0) + bytes(changed) + whole(8)
    with pytest.raises(CorruptRecordException, match="partition 3"):
        stretches(data)
    assert stretches(data, doubted=4) == [(0, 4, ""), (4, 8, unpacking.CHANGED), (8, 12, "")]
    with pytest.raises(CorruptRecordException):
        stretches(data, doubted=3)


def test_a_changed_batch_that_says_it_ends_far_away_or_before_costs_one_offset() -> None:
    for delta in (2**31 - 1, -9):
        changed = bytearray(whole(0))
        struct.pack_into(">i", changed, _LAST_DELTA_AT, delta)
        assert stretches(bytes(changed), doubted=0) == [(0, 1, unpacking.CHANGED)]


def test_a_marker_of_a_transaction_takes_its_offset() -> None:
    data = whole(0) + whole(4, 1, attributes=LOG_APPEND_TIME | CONTROL) + whole(5)
    assert stretches(data) == [(0, 4, ""), (4, 5, unpacking.MARKER), (5, 9, "")]


def test_records_that_the_topic_does_not_stamp_keep_their_bytes_and_have_no_time() -> None:
    unpacked = Unpacking(3, MemoryRecords(whole(0, attributes=0)), 0)
    (block,) = unpacked.take(10)
    assert (block.fault, block.values, block.appended.tolist()) == (unpacking.UNSTAMPED, [b"x"] * 4, [0] * 4)


@pytest.mark.parametrize("codec", [GZIP, SNAPPY, LZ4, ZSTD])
def test_what_unpacks_without_end_is_refused_alone_and_takes_no_memory(codec: int, bounded: None) -> None:
    bomb = bytearray(whole(4, 1, codec=codec))
    bomb[_RECORDS_AT:] = {GZIP: gzip_encode, SNAPPY: snappy_encode, LZ4: lz4_encode, ZSTD: zstd_encode}[codec](
        bytes(99 << 20)
    )
    data = whole(0) + resealed(bomb) + whole(5, codec=codec)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert stretches(data) == [(0, 4, ""), (4, 5, unpacking.TOO_LARGE), (5, 9, "")]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000  # KB


@pytest.mark.parametrize("codec", [GZIP, SNAPPY, LZ4, ZSTD, 5, 7])
def test_a_batch_that_cannot_be_unpacked_is_refused_alone(codec: int, bounded: None) -> None:
    bad = bytearray(whole(4))
    bad[_ATTRIBUTES_AT + 1] |= codec
    data = whole(0) + resealed(bad) + whole(8)
    assert stretches(data) == [(0, 4, ""), (4, 8, unpacking.UNREADABLE), (8, 12, "")]


def test_a_batch_without_records_and_one_shorter_than_its_head_take_their_offsets() -> None:
    compacted = bytearray(whole(4)[:_RECORDS_AT])
    struct.pack_into(">i", compacted, _RECORDS_AT - 4, 0)
    assert stretches(whole(0) + resealed(compacted) + whole(8)) == [(0, 4, ""), (4, 8, unpacking.MISSING), (8, 12, "")]
    assert stretches(whole(0) + struct.pack(">qi", 4, 2) + b"ab") == [(0, 4, ""), (4, 5, unpacking.UNREADABLE)]


def resealed(data: bytearray) -> bytes:
    """A batch that was changed, with the length and the CRC that fit it."""
    struct.pack_into(">i", data, 8, len(data) - 12)
    struct.pack_into(">I", data, _CRC_AT, calc_crc32c(bytes(data[_ATTRIBUTES_AT:])))
    return bytes(data)


@pytest.fixture
def bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (default_records, legacy_records):
        for name in ("gzip_decode", "snappy_decode", "lz4_decode", "zstd_decode"):
            monkeypatch.setattr(module, name, getattr(module, name, None), raising=False)
    decompression.bound()
