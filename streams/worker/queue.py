"""What was read and waits for its round, partition by partition."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from streams.engine.opening.block import Block
from streams.worker.snapshot_schedule import Saving

BACKLOG_RECORDS: Final = 1000
"""A partition that has more than this still to be stored has a backlog; the others are at their head."""
OLD_S: Final = 2.0
HEAD_S: Final = 5.0
"""So long after its last block a partition counts as one that is alive at its head."""
SMALL: Final = 16_384
"""Bytes of a round that takes as long as an empty one; of a backlog, at least so many go with each."""
FILLED: Final = 0.9
"""Of what a round may take, where partitions are taken up to one time: to find a better one costs more than it brings."""
APART_MS: Final = 60_000
"""Partitions that begin so far apart do not wait until the older ones have caught up."""
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
        return self._parted(max((block.next - block.first) * most // self.size, 1))

    def before(self, time: int) -> int:
        """How many of its records were appended before ``time`` (ms)."""
        return int(np.searchsorted(self.block.appended, time))

    def until(self, time: int) -> tuple[Item | None, Item | None]:
        """What was appended before ``time``, and the rest."""
        count = self.before(time)
        return self._parted(count) if count else (None, self)

    def _parted(self, count: int) -> tuple[Item, Item | None]:
        first, rest = self.block.split(self.block.first + count)
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

    def of(self, known: bool) -> Iterator[Item]:
        """What waits of one kind, before anything of the other."""
        return itertools.takewhile(lambda item: item.known == known, self.waiting)

    def take(self, known: bool, most: int, time: int | None) -> Item | None:
        """The first that waits of one kind, or about ``most`` bytes of it, or what of it was appended before ``time``."""
        if not self.waiting or self.waiting[0].known != known:
            return None
        first = self.waiting[0]
        one, rest = first.split(most) if time is None else first.until(time)
        self.waiting[:1] = [rest] if rest is not None else []
        return one


def take_turns(ready: Sequence[Owned], known: bool, records: int, size: int) -> list[Item]:
    """About so many records and bytes of the first that waits of ``ready``, all of one kind; nothing where either is none.

    Where more waits, each partition gives what was appended up to one time: the engine goes through a second of the clock
    once for all partitions of a round.  Who is more than ``APART_MS`` behind the others gives as long a time as they do.
    """
    if not ready or records <= 0 or size <= 0:
        return []
    begins = [int(owned.waiting[0].block.appended[0]) for owned in ready]
    last = max(begins)
    turns = [(owned, last - begin if last - begin > APART_MS else 0) for owned, begin in zip(ready, begins, strict=True)]
    time = _until(turns, known, records, size)
    return _taken(turns, known, records, size, time) or _taken(turns, known, records, size, None)


def _taken(turns: list[tuple[Owned, int]], known: bool, records: int, size: int, time: int | None) -> list[Item]:
    items = []
    for owned, apart in turns:
        until = None if time is None else time - apart
        while records > 0 and size > 0 and (one := owned.take(known, size, until)) is not None:
            size -= one.size
            records -= len(one.block.values)
            items.append(one)
    return items


def _until(turns: list[tuple[Owned, int]], known: bool, records: int, size: int) -> int | None:
    """The time (ms) before which about so much was appended of what waits; None where all may be taken, or where so much has
    one time.  Where a broker's clock went back it finds some time or none: whatever is taken is taken in order.
    """
    waiting = [(item, apart) for owned, apart in turns for item in owned.of(known)]
    if sum(item.size for item, _ in waiting) <= size and sum(len(item.block.values) for item, _ in waiting) <= records:
        return None
    low = min(int(item.block.appended[0]) + apart for item, apart in waiting)
    high = max(int(item.block.appended[-1]) + apart for item, apart in waiting) + 1
    found = None
    while high - low > 1:
        time = (low + high) // 2
        each = [(item, item.before(time - apart)) for item, apart in waiting]
        count = sum(n for _, n in each)
        share = max(count / records, sum(n * item.size / len(item.block.values) for item, n in each) / size)
        if share > 1:
            high = time
            continue
        low, found = time, time if count else found
        if share > FILLED:
            break
    return found


@dataclass(frozen=True, slots=True)
class Take:
    """What one round takes; ``save``: the partitions whose state is to be saved with it."""

    items: list[Item]
    epochs: dict[int, int]
    save: frozenset[int]

    @property
    def blocks(self) -> list[Block]:
        return [item.block for item in self.items]


class Cost:
    """How long a round takes in the slower of its two steps, learned: a fixed part, and one that grows with its bytes."""

    def __init__(self, per_byte: float = 1e-6) -> None:
        self._fixed, self._per_byte = 0.005, per_byte

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
