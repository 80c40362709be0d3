"""What was read and waits for its round, partition by partition."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from streams.block import Block
from streams.saving import Saving

BACKLOG_RECORDS: Final = 1000
"""A partition that has more than this still to be stored has a backlog; the others are at their head."""
OLD_S: Final = 2.0
HEAD_S: Final = 5.0
"""So long after its last block a partition counts as one that is alive at its head."""
SMALL: Final = 16_384
"""Bytes of a round that takes as long as an empty one; of a backlog, at least so many go with each."""
_WEIGHT: Final = 0.2
_NO_RULE_S: Final = 5.0  # the database was away


@dataclass(frozen=True, slots=True)
class Item:
    """A block that waits, wholly known (stored already) or wholly fresh; of the stock transport ``event`` is acknowledged
    with it.
    """

    block: Block
    known: bool
    size: int
    event: Any = None

    def split(self, most: int) -> tuple[Item, Item | None]:
        """About ``most`` bytes of it, one record at the least, and the rest, with which the whole is acknowledged."""
        block = self.block
        if self.size <= most or block.next - block.first == 1:
            return self, None
        part = max((block.next - block.first) * most // self.size, 1)
        first, rest = block.split(block.first + part)
        if first is None or rest is None:
            return self, None
        size = first.size
        return Item(first, self.known, size), Item(rest, self.known, self.size - size, self.event)


@dataclass(slots=True)
class Owned:
    """A partition this worker stores: what is read below ``fresh_from`` is folded, not written; ``received`` is the next
    offset to come, ``end`` the log's end as last heard; ``age`` s: how old the last record was when it was received.
    """

    epoch: int
    fresh_from: int
    received: int
    saving: Saving
    heard: float
    end: int = 0
    age: float = 0.0
    seeking: bool = False
    waiting: list[Item] = field(default_factory=list)

    @property
    def behind(self) -> bool:
        """Whether much of its log is still to be stored."""
        return self.end - (self.waiting[0].block.first if self.waiting else self.received) > BACKLOG_RECORDS

    def at_head(self, now: float) -> bool:
        """Whether what arrives here should not wait for others' backlogs.  Where it is old already when it is read, the
        worker has too much to do, and does most of it in whole rounds.
        """
        return not self.behind and self.age < OLD_S and now - self.heard < HEAD_S


@dataclass(frozen=True, slots=True)
class Batch:
    """What one round takes; ``save``: the partitions whose state is to be saved with it."""

    items: list[Item]
    epochs: dict[int, int]
    save: frozenset[int]

    @property
    def blocks(self) -> list[Block]:
        return [item.block for item in self.items]


class Cost:
    """How long a round takes in the slower of its two steps, learned: a fixed part, and one that grows with its bytes."""

    def __init__(self) -> None:
        self._fixed, self._per_byte = 0.005, 1e-6

    def learn(self, size: int, seconds: float) -> None:
        if seconds > _NO_RULE_S:
            return
        if size < SMALL:
            self._fixed += (seconds - self._fixed) * _WEIGHT
        else:
            self._per_byte += (max(seconds - self._fixed, 0.0) / size - self._per_byte) * _WEIGHT

    def bytes_in(self, seconds: float, beside: int = 0) -> int:
        """What fits in ``seconds``; where that is longer, in half the time of a round with nothing but ``beside`` bytes."""
        alone = self._fixed + beside * self._per_byte
        return max(int(max(seconds, alone / 2) / max(self._per_byte, 1e-9)), SMALL)
