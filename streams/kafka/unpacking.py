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
        runs: list[tuple[int, list[npt.NDArray[np.int64]], list[bytes]]] = []
        n = 0
        while n < most and self._records.has_next():
            batch = self._records.next_batch()
            if self._check_crcs and not batch.validate_crc():
                raise CorruptRecordException(f"Invalid CRC in partition {self._partition} after offset {self.position}")
            for start, all_appended, all_values in () if batch.is_control_batch else _runs(batch):
                behind = max(self.position - start, 0)  # a fetch brings whole batches
                first, appended, values = start + behind, all_appended[behind:], all_values[behind:]
                if not values:
                    continue
                if runs and first == runs[-1][0] + len(runs[-1][2]):
                    runs[-1][1].append(appended)
                    runs[-1][2].extend(values)
                else:
                    runs.append((first, [appended], values))
                n += len(values)
                self.position = first + len(values)
            # the last offset stays in a batch's header when the record is compacted away
            self.position = max(self.position, batch.next_offset)
        return [Block(self._partition, at, at + len(of), np.concatenate(appended), of) for at, appended, of in runs]


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
