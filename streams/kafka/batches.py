"""Record batches with their leader's epoch, which aiokafka's own reader passes over.

A partition's leader writes its epoch into each batch (KIP-101): another one than before tells that leadership moved, and
perhaps lost what was read already.
"""

from __future__ import annotations

import struct
from typing import Any, Final

from aiokafka.consumer import fetcher
from aiokafka.record.memory_records import MemoryRecords

_LENGTH_AND_EPOCH: Final = struct.Struct(">8xii")
_OVERHEAD: Final = 12
"""Bytes of a batch that its length does not count."""


class Batches:
    """The batches of one fetch, as ``MemoryRecords`` gives them; ``leader_epoch`` is of the one given last."""

    def __init__(self, data: bytes) -> None:
        self._data, self._records, self._at = data, MemoryRecords(data), 0
        self.leader_epoch = -1

    def size_in_bytes(self) -> int:
        return len(self._data)

    def has_next(self) -> bool:
        return bool(self._records.has_next())

    def next_batch(self) -> Any:
        if self.has_next():
            length, self.leader_epoch = _LENGTH_AND_EPOCH.unpack_from(self._data, self._at)
            self._at += _OVERHEAD + length
        return self._records.next_batch()


def keep_leader_epochs() -> None:
    """Have aiokafka's consumers take fetches as :class:`Batches`, in this process."""
    fetcher.MemoryRecords = Batches
