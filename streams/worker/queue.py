"""The queue: what was read and waits for its round, and what of it a round takes."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from streams import metrics
from streams.engine.opening.block import Block
from streams.host_clock import HostClock
from streams.worker.settings import WorkerSettings

RECORDS_WAITING: Final = 8192
"""A partition's records read and not yet in a round.  Not blocks: at the head of the log a block is a record or two."""
BACKLOG_RECORDS: Final = 1000
"""A partition that has more than this still to be stored has a backlog; the others are at their head."""
OLD_S: Final = 2.0
HEAD_S: Final = 5.0
"""A partition counts as alive at its head for so long after its last block."""
SMALL: Final = 16_384
"""Bytes of a round that takes as long as an empty one; of a backlog, at least so many go with each."""
FILLED: Final = 0.9
"""The search for the time up to which partitions give stops at this share of a round: a better one is not worth it."""
APART_MS: Final = 60_000
"""Partitions that begin so far apart do not wait until the older ones have caught up."""
_REFOLD_S: Final = 2e-7
"""Seconds a byte takes that is folded again, until that is learned."""
_WEIGHT: Final = 0.2
_NO_RULE_S: Final = 5.0  # the database was away


@dataclass(frozen=True, slots=True)
class Item:
    """A block that waits, wholly known (stored already) or wholly fresh; ``size`` bytes."""

    block: Block
    known: bool
    size: int

    def split(self, most: int) -> tuple[Item, Item | None]:
        """About ``most`` bytes of it, one record at the least, and the rest."""
        count = len(self.block.values)
        if self.size <= most or count == 1:
            return self, None
        return self.parted(max(count * most // self.size, 1))

    def before(self, time: int) -> int:
        """The number of its records appended before ``time`` (ms)."""
        return int(np.searchsorted(self.block.appended, time))

    def until(self, time: int) -> tuple[Item | None, Item | None]:
        """The part appended before ``time``, and the rest."""
        count = self.before(time)
        return self.parted(count) if count else (None, self)

    def parted(self, count: int) -> tuple[Item, Item | None]:
        first, rest = self.block.split(self.block.first + count)
        if first is None or rest is None:
            return self, None
        size = first.size
        return Item(first, self.known, size), Item(rest, self.known, self.size - size)


@dataclass(slots=True)
class Line:
    """The items of one partition that wait.  ``received``: the next offset to come; ``end``: the log's end as last reported;
    ``age`` s: how old the last record was when it was received; ``last_arrival`` s, monotonic.
    """

    received: int
    last_arrival: float
    end: int = 0
    age: float = 0.0
    items: list[Item] = field(default_factory=list)

    @property
    def behind(self) -> bool:
        """True if much of the partition's log is still to be stored."""
        return self.end - (self.items[0].block.first if self.items else self.received) > BACKLOG_RECORDS

    def at_head(self, now: float) -> bool:
        """True if new records should not wait for others' backlogs.  Where records are old already when they are read, the
        worker has too much to do, and does most of it in whole rounds.
        """
        return not self.behind and self.age < OLD_S and now - self.last_arrival < HEAD_S

    def of(self, known: bool) -> Iterator[Item]:
        """The items of one kind that wait before any of the other."""
        return itertools.takewhile(lambda item: item.known == known, self.items)

    def take(self, known: bool, most: int, time: int | None) -> Item | None:
        """The first item of one kind, or about ``most`` bytes of it, or the part of it appended before ``time``."""
        if not self.items or self.items[0].known != known:
            return None
        first = self.items[0]
        one, rest = first.split(most) if time is None else first.until(time)
        self.items[:1] = [rest] if rest is not None else []
        return one


class Queue:
    """A line for each partition, ``lines``, the one served last at the end.  ``arrived`` is set while something waits."""

    def __init__(self, settings: WorkerSettings, clock: HostClock) -> None:
        self._settings, self._clock = settings, clock
        self.lines: dict[int, Line] = {}
        self.arrived = asyncio.Event()
        self._bytes = 0
        self._cost = {True: Cost(_REFOLD_S), False: Cost()}  # of what is known, and of what is stored

    @property
    def full(self) -> bool:
        """True if as many bytes are read and not yet stored as may be."""
        return self._bytes >= self._settings.waiting_mb << 20

    def has_room(self, partition: int) -> bool:
        """True if another block of the partition may come now."""
        line = self.lines.get(partition)
        if line is None or self.full:
            return False
        return not line.items or line.received - line.items[0].block.first < RECORDS_WAITING

    def put(self, block: Block, *, known: bool) -> None:
        """Append a block to its partition's line."""
        item = Item(block, known, block.size)
        self.lines[block.partition].items.append(item)
        self._count(item.size)
        self.arrived.set()

    def remove(self, partition: int) -> None:
        """Drop a line and what waits in it."""
        self._count(-sum(item.size for item in self.lines.pop(partition).items))

    def release(self, items: Iterable[Item]) -> None:
        """Make room: these items are stored."""
        self._count(-sum(item.size for item in items))

    def waiting(self, *, known: bool) -> list[int]:
        """The partitions whose next item is of one kind."""
        return [p for p, line in self.lines.items() if line.items and line.items[0].known == known]

    def take_alone(self, partition: int, most: int) -> list[Item]:
        """The first item of a partition that has one, at most ``most`` records of it."""
        line = self.lines[partition]
        one, rest = line.items[0].parted(most)
        line.items[:1] = [rest] if rest is not None else []
        self._look()
        return [one]

    def take(self, *, known: bool, without: Collection[int] = ()) -> list[Item]:
        """Take items of one kind, but for those of the partitions ``without``, at most about a round's worth; who is served
        comes last the next time.

        Partitions at their head come before those with a backlog, and while there are any, a round takes only so much of
        backlogs as can be done in ``backlog_ms``, or in half the time of the others' part: these would wait for it.  Of what
        is only folded again, as much as in ``refold_ms``: it ends soon, and until then its partitions stand still.
        """
        now, records, size = self._clock.monotonic(), self._settings.round_records, self._settings.round_mb << 20
        ready = [self.lines[partition] for partition in self.waiting(known=known) if partition not in without]
        if any(line.at_head(now) for line in self.lines.values()):
            items = take_turns([line for line in ready if not line.behind], known, records, size)
            taken = sum(item.size for item in items)
            ms = self._settings.refold_ms if known else self._settings.backlog_ms
            most = min(self._cost[known].bytes_in(ms / 1000, taken), size - taken)
            records -= sum(len(item.block.values) for item in items)
            items += take_turns([line for line in ready if line.behind], known, records, most)
        else:
            items = take_turns(sorted(ready, key=lambda line: line.behind), known, records, size)
        for partition in dict.fromkeys(item.block.partition for item in items):
            self.lines[partition] = self.lines.pop(partition)
        self._look()
        return items

    def learn(self, items: Sequence[Item], seconds: float) -> None:
        """Learn how long it took to fold known ``items``, or to compute or store a round of fresh ones."""
        self._cost[items[0].known].learn(sum(item.size for item in items), seconds)

    def _look(self) -> None:
        if not any(line.items for line in self.lines.values()):
            self.arrived.clear()

    def _count(self, size: int) -> None:
        self._bytes += size
        metrics.WAITING.set(self._bytes)


def take_turns(ready: Sequence[Line], known: bool, records: int, size: int) -> list[Item]:
    """About so many records and bytes of the first items of ``ready``, all of one kind; nothing where either is none.

    Where more waits, each partition gives what was appended up to one time: the engine goes through a second of the clock
    once for all partitions of a round.  Who is more than ``APART_MS`` behind the others gives as long a time as they do.
    """
    if not ready or records <= 0 or size <= 0:
        return []
    begins = [int(line.items[0].block.appended[0]) for line in ready]
    last = max(begins)
    turns = [(line, last - begin if last - begin > APART_MS else 0) for line, begin in zip(ready, begins, strict=True)]
    time = _until(turns, known, records, size)
    return _taken(turns, known, records, size, time) or _taken(turns, known, records, size, None)


def _taken(turns: list[tuple[Line, int]], known: bool, records: int, size: int, time: int | None) -> list[Item]:
    items = []
    for line, apart in turns:
        until = None if time is None else time - apart
        while records > 0 and size > 0 and (one := line.take(known, size, until)) is not None:
            size -= one.size
            records -= len(one.block.values)
            items.append(one)
    return items


def _until(turns: list[tuple[Line, int]], known: bool, records: int, size: int) -> int | None:
    """The time (ms) before which about so much was appended of what waits; None where all may be taken, or where so much has
    one time.  Where a broker's clock went back it finds some time or none: whatever is taken is taken in order.
    """
    waiting = [(item, apart) for line, apart in turns for item in line.of(known)]
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


class Cost:
    """The time a round takes in the slower of its two steps, learned: a fixed part, and one that grows with its bytes."""

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
        """The bytes that fit in ``seconds``; where that is longer, in half the time of a round of ``beside`` bytes alone."""
        alone = self._fixed + beside * self._per_byte
        return max(int(max(seconds, alone / 2) / max(self._per_byte, 1e-9)), SMALL)
