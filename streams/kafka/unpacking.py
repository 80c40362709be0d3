"""Unpacking: what a fetch brought of one partition -> blocks, without an object a record but its bytes.

aiokafka makes a ``ConsumerRecord`` a record, Faust a message and an event: together 2 to 4 µs.  Here aiokafka's own reader
of record batches (C, all codecs, CRC-32C) is asked for the values alone; offsets and append times follow from the batch's
header.  docs/decisions/0071-values-from-batches.md.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from aiokafka.errors import CorruptRecordException

from streams.engine.opening.block import Block

_LOG_APPEND_TIME: Final = 1
_V2: Final = 2


class Unpacking:
    """The record batches of one fetch of ``partition``, from the offset ``position`` on; isolation "read uncommitted".

    ``records`` is aiokafka's ``MemoryRecords``; ``position`` moves on with what was taken.
    """

    def __init__(self, partition: int, records: Any, position: int, *, check_crcs: bool = True) -> None:
        self._partition, self._records, self._check_crcs = partition, records, check_crcs
        self.position = position

    @property
    def done(self) -> bool:
        return not self._records.has_next()

    def take(self, most: int) -> list[Block]:
        """The records of the next batches, until they are ``most`` or more; a new block begins where offsets are missing.

        Control batches are passed over.  A record without a value is one with an empty value.

        Raises:
            CorruptRecordException: a CRC does not fit.
            UnsupportedCodecError: compressed as nothing here can read.
        """
        blocks, run = [], _Run(self._partition)
        n = 0
        while n < most and self._records.has_next():
            batch = self._records.next_batch()
            if self._check_crcs and not batch.validate_crc():
                raise CorruptRecordException(f"Invalid CRC in partition {self._partition} after offset {self.position}")
            if not batch.is_control_batch:
                for first, appended, values in _runs(batch):
                    if (behind := self.position - first) > 0:  # a fetch brings whole batches
                        first, appended, values = self.position, appended[behind:], values[behind:]
                    if not values:
                        continue
                    if run.values and run.next != first:
                        blocks.append(run.block())
                        run = _Run(self._partition)
                    run.add(first, appended, values)
                    n += len(values)
                    self.position = run.next
            # the last offset stays in a batch's header when the record is compacted away
            self.position = max(self.position, batch.next_offset)
        return [*blocks, run.block()] if run.values else blocks


class _Run:
    """Records without a gap, being gathered from batches."""

    def __init__(self, partition: int) -> None:
        self.partition, self.next = partition, 0
        self.values: list[bytes] = []
        self._appended: list[npt.NDArray[np.int64]] = []

    def add(self, first: int, appended: npt.NDArray[np.int64], values: list[bytes]) -> None:
        self.next = first + len(values)
        self.values += values
        self._appended.append(appended)

    def block(self) -> Block:
        appended = self._appended[0] if len(self._appended) == 1 else np.concatenate(self._appended)
        return Block(self.partition, self.next - len(self.values), self.next, appended, self.values)


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
