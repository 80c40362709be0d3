"""Unpacking: what a fetch brought of one partition -> blocks, without an object a record but its bytes.

aiokafka makes a ``ConsumerRecord`` a record, Faust a message and an event: together 2 to 4 µs.  Here aiokafka's own reader
of record batches (C, all codecs, CRC-32C) is asked for the values alone; offsets and append times follow from the batch's
header.  docs/decisions/0071-values-from-batches.md.

Whatever stands in the log, each of its offsets comes out once: what nobody can read, or nobody may believe, as records with
a fault, which are refused with it.  docs/decisions/0166-every-offset-comes-out.md
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from aiokafka.errors import CorruptRecordException

from streams.engine.opening.block import Block
from streams.kafka.decompression import TooLargeError

MISSING: Final = "the log does not hold this record any more"
MARKER: Final = "a marker of a transaction: nothing that belongs to Vigil writes any"
CHANGED: Final = "its batch was changed in the log: the checksum does not fit"
TOO_LARGE: Final = "its batch unpacks to more than may be"
UNREADABLE: Final = "its batch cannot be unpacked"
UNSTAMPED: Final = "the topic does not stamp its records: set message.timestamp.type=LogAppendTime"
MOST_RECORDS: Final = 100_000
"""Records of a batch.  Ours hold 10,000 at most."""
_MOST_BYTES: Final = 16 << 20
"""Bytes that are taken at a time: a batch more at the most."""
_LARGEST: Final = 1 << 20
"""Bytes of a record.  Ours have 256 KB at most."""
_LOG_APPEND_TIME: Final = 1
_V2: Final = 2


class Unpacking:
    """The record batches of one fetch of ``partition``, from the offset ``position`` on; isolation "read uncommitted".

    ``records`` is aiokafka's ``MemoryRecords``; ``position`` moves on with what was taken.  ``doubted``: the offset of a
    batch that was changed when it was fetched before, so that it is the log and not the way here.
    """

    def __init__(
        self, partition: int, records: Any, position: int, *, check_crcs: bool = True, doubted: int | None = None
    ) -> None:
        self._partition, self._records, self._check_crcs, self._doubted = partition, records, check_crcs, doubted
        self.position = position
        self._read = position  # of the batches that were read; blocks behind ``position`` wait
        self._waiting: deque[Block | _Hole] = deque()
        self._broken = False
        self._leader_epoch = -1
        self.doubts = -1  # the offset of a batch that came changed

    @property
    def done(self) -> bool:
        return not self._waiting and (self._broken or not self._records.has_next())

    def take(self, most: int) -> list[Block]:
        """The records of the next batches, until they are ``most`` or more; a new block begins where a fault does.

        A record without a value is one with an empty value.  What no batch holds (compacted away, a transaction's marker),
        and the records of a batch that cannot be unpacked, have empty values; append times are 0 where there is a fault.

        Raises:
            CorruptRecordException: a CRC does not fit, and it was not ``doubted``: fetch again from ``position``.
        """
        taken: list[Block] = []
        n = size = 0
        while n < most and size < _MOST_BYTES and not self.done:
            if not self._waiting:
                self._waiting += self._next_batch()
                continue
            one = self._waiting.popleft()
            if isinstance(one, _Hole):
                until = min(one.until, self.position + most)
                if until < one.until:
                    self._waiting.appendleft(one)
                count = until - self.position
                nothing = np.zeros(count, np.int64), [b""] * count
                one = Block(self._partition, self.position, until, *nothing, one.fault, one.leader_epoch)
            n, size = n + len(one.values), size + one.size
            self.position = one.next
            taken.append(one)
        return _joined(taken)

    def _next_batch(self) -> Iterator[Block | _Hole]:
        try:
            batch = self._records.next_batch()
        except Exception:  # not even where it ends is known
            self._broken = True
            yield self._hole(self._read + 1, UNREADABLE)
            return
        self._leader_epoch = getattr(self._records, "leader_epoch", -1)
        end, fault = batch.next_offset, ""
        if self._check_crcs and not batch.validate_crc():
            if self._read != self._doubted:
                self.doubts = self._read
                raise CorruptRecordException(f"Invalid CRC in partition {self._partition} after offset {self._read}")
            fault = CHANGED  # and so may be where it ends
            end = end if self._read < end <= self._read + MOST_RECORDS else self._read + 1
        elif batch.is_control_batch:
            fault = MARKER
        elif batch.magic >= _V2 and batch.last_offset_delta >= MOST_RECORDS:
            fault = TOO_LARGE
        else:
            try:
                runs = _runs(batch)
                fault = TOO_LARGE if any(len(value) > _LARGEST for run in runs for value in run[2]) else ""
            except TooLargeError:
                fault = TOO_LARGE
            except Exception:
                fault = UNREADABLE
        if fault:
            if end > self._read:
                yield self._hole(end, fault)
            return
        fault = "" if batch.timestamp_type == _LOG_APPEND_TIME else UNSTAMPED
        for start, all_appended, all_values in runs:
            behind = max(self._read - start, 0)  # a fetch brings whole batches
            first, appended, values = start + behind, all_appended[behind:], all_values[behind:]
            if not values:
                continue
            if first > self._read:
                yield self._hole(first, MISSING)
            self._read = first + len(values)
            appended = np.zeros_like(appended) if fault else appended
            yield Block(self._partition, first, self._read, appended, values, fault, self._leader_epoch)
        # the last offset stays in a batch's header when the record is compacted away
        if end > self._read:
            yield self._hole(end, MISSING)

    def _hole(self, until: int, fault: str) -> _Hole:
        self._read = until
        return _Hole(until, fault, self._leader_epoch)


@dataclass(frozen=True, slots=True)
class _Hole:
    """Offsets up to ``until`` of which there is nothing to give."""

    until: int
    fault: str
    leader_epoch: int


def _joined(blocks: list[Block]) -> list[Block]:
    """Blocks that follow each other and have one fault, or none, and one leader, as one."""
    return [
        some[0] if len(some) == 1 else Block(
            some[0].partition, some[0].first, some[-1].next, np.concatenate([one.appended for one in some]),
            [value for one in some for value in one.values], *alike,
        )
        for alike, each in itertools.groupby(blocks, lambda one: (one.fault, one.leader_epoch))
        for some in [list(each)]
    ]  # fmt: skip


def _runs(batch: Any) -> list[tuple[int, npt.NDArray[np.int64], list[bytes]]]:
    """(first offset, int64 [n] ms, n values) for each stretch of a batch in which no offset is missing."""
    records = list(batch)
    n = len(records)
    if not n:
        return []
    values = [record.value or b"" for record in records]
    if batch.magic >= _V2 and batch.timestamp_type == _LOG_APPEND_TIME and n == batch.last_offset_delta + 1:
        return [(batch.base_offset, np.full(n, batch.max_timestamp, np.int64), values)]  # deltas ascend: none is missing
    offset = np.fromiter((record.offset for record in records), np.int64, n)
    appended = np.fromiter((record.timestamp for record in records), np.int64, n)
    begins = [0, *(np.flatnonzero(np.diff(offset) != 1) + 1).tolist()]
    ends = [*begins[1:], n]
    return [(int(offset[i]), appended[i:j], values[i:j]) for i, j in zip(begins, ends, strict=True)]
