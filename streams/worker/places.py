"""The places: which partitions this worker stores, by what right, and where each goes on."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from zlib import crc32

from streams import metrics
from streams.engine.opening.block import Block
from streams.host_clock import HostClock
from streams.kafka.position import Appended
from streams.store.ledger import Held, Move
from streams.store.records import Snapshot
from streams.worker.queue import Item, Line, Queue
from streams.worker.set_aside import Aside
from streams.worker.snapshot_schedule import SnapshotSchedule
from streams.worker.suspects import Suspects

SNAPSHOTS_A_ROUND: Final = 4
LOOK_AGAIN_S: Final = 5.0
"""A damaged partition is looked at again so often: somebody may have restored its log, or decided to go on."""
SILENT_S: Final = 10.0
"""A partition that has more to read may bring nothing for so long."""


@dataclass(slots=True)
class Place:
    """A partition this worker stores: records below ``fresh_from`` are folded, not written."""

    epoch: int
    fresh_from: int
    line: Line
    schedule: SnapshotSchedule
    seeking: bool = False
    looked: float = 0.0  # when it was last named by Places.silent
    last: tuple[int, Appended] | None = None  # the last record received, and its offset
    comparing: bool = False  # the log with it: nothing is read on meanwhile


@dataclass(frozen=True, slots=True)
class Take:
    """The items of one round; ``save``: the partitions whose state is to be saved with it, ``aside``: the records that are
    refused.
    """

    items: list[Item]
    epochs: dict[int, int]
    save: frozenset[int] = frozenset()
    aside: Aside = field(default_factory=dict)

    @property
    def blocks(self) -> list[Block]:
        return [item.block for item in self.items]


class Places:
    """Partitions ``assigned`` by the group, ``taking`` (being taken from the ledger), ``owned``, ``damaged`` (whose log
    does not go on where the ledger stands), and ``suspects`` (in whose records a round failed).  ``topic_id`` is of the
    topic that the positions are of.
    """

    def __init__(self, queue: Queue, clock: HostClock, snapshot_s: float, topic_id: str) -> None:
        self.queue, self._clock, self._snapshot_s, self.topic_id = queue, clock, snapshot_s, topic_id
        self.assigned: frozenset[int] = frozenset()
        self.owned: dict[int, Place] = {}
        self.taking: set[int] = set()
        self.damaged: set[int] = set()
        self.suspects = Suspects()
        self._undecided = False
        self._look_again = 0.0

    def revoke(self) -> None:
        """The group will say anew whose each partition is.  What is owned is stored until then; nothing more is taken: a
        worker that wakes long after the group put it out would take what others have.
        """
        self._undecided = True

    def assign(self, assigned: frozenset[int]) -> None:
        """The group's word, after each rebalance."""
        self.assigned, self._undecided = assigned, False

    def decided(self, partitions: Collection[int]) -> set[int]:
        """The ``partitions`` that the group gave this worker; none while the group is deciding."""
        return set() if self._undecided else set(partitions) & self.assigned

    def missing(self, partitions: Collection[int]) -> set[int]:
        """The ``partitions`` that are assigned, and neither owned nor being taken."""
        return (set(partitions) & self.assigned) - self.owned.keys() - self.taking

    def positions(self, partitions: Collection[int]) -> dict[int, int]:
        """Next offset to come of those of ``partitions`` that are owned."""
        return {p: self.owned[p].line.received for p in partitions if p in self.owned and not self.owned[p].comparing}

    def epochs(self) -> dict[int, int]:
        """The right by which each partition is stored; asked from another thread."""
        return {partition: place.epoch for partition, place in self.owned.copy().items()}

    def own(self, held: Held, offset: int, spread: float) -> None:
        """Own a partition taken from the ledger, whose log is folded from ``offset`` on; ``spread`` of [0, 1) keeps the
        snapshots of all partitions apart.
        """
        now = self._clock.monotonic()
        line = self.queue.lines[held.partition] = Line(offset, now)
        schedule = SnapshotSchedule(self._snapshot_s, now - spread * self._snapshot_s)
        self.owned[held.partition] = Place(held.epoch, held.offset, line, schedule)
        metrics.OWNED.set(len(self.owned))

    def forget(self, partitions: Iterable[int]) -> list[int]:
        """Own ``partitions`` no more; returns those that were owned."""
        gone = [partition for partition in partitions if self.owned.pop(partition, None)]
        for partition in gone:
            self.queue.remove(partition)
        metrics.OWNED.set(len(self.owned))
        return gone

    def receive(self, block: Block, end: int) -> bool:
        """Put a block into the queue; False if records before it are missing and have to be sought.  ``end``: the log's."""
        place = self.owned.get(block.partition)
        if place is None:
            return True
        line = place.line
        if block.first > line.received:  # a rebalance emptied Faust's queue
            first_time, place.seeking = not place.seeking, True
            return not first_time
        place.seeking, line.last_arrival = False, self._clock.monotonic()
        _, rest = block.split(line.received)
        if rest is None:
            return True
        line.received, line.end = rest.next, end
        place.last = None if rest.fault else (rest.next - 1, Appended(int(rest.appended[-1]), crc32(rest.values[-1])))
        if not rest.fault:
            line.age = self._clock.time() - int(rest.appended[-1]) / 1000
        before, after = rest.split(place.fresh_from)
        if before is not None:
            self.queue.put(before, known=True)
        if after is not None:
            self.queue.put(after, known=False)
        return True

    def begin_comparing(self, partition: int) -> bool:
        """Read no more of the partition until the log is compared with its last record; False where there is none to
        compare: what was stored was compared when it was taken.
        """
        place = self.owned.get(partition)
        if place is None or place.last is None or place.line.received <= place.fresh_from:
            return False
        place.comparing = True
        return True

    def take(self, *, known: bool) -> Take:
        """Take the next round's items from the queue, with the right to store them, and choose whose state is saved."""
        suspect, now = self.suspects.turn(self.queue.waiting(known=known), known=known), self._clock.monotonic()
        if suspect is None:
            items = self.queue.take(known=known, without=self.suspects.partitions)
        else:
            items = self.queue.take_alone(suspect, self.suspects.partitions[suspect].most)
        for item in items:
            self.owned[item.block.partition].schedule.since += item.size
        epochs = {item.block.partition: self.owned[item.block.partition].epoch for item in items}
        due = [p for p in epochs if not known and (self.suspects.anew(p) or self.owned[p].schedule.due(now))]
        save = frozenset(due[:SNAPSHOTS_A_ROUND])
        for partition in save:
            self.owned[partition].schedule.begin(now)
        aside = {} if suspect is None or known else self.suspects.aside(suspect)
        return Take(items, epochs, save, aside)

    def of_this_owner(self, items: Sequence[Item], epochs: Mapping[int, int]) -> list[Block]:
        """The blocks of a round whose partitions are still stored by the right of then."""
        now = self.epochs()
        return [item.block for item in items if now.get(p := item.block.partition) == epochs[p]]

    def stored(self, moves: Sequence[Move]) -> None:
        """Note a committed round."""
        epochs = self.epochs()
        self.suspects.passed(move for move in moves if epochs.get(move.partition) == move.epoch)

    def saved(self, snapshots: Iterable[Snapshot]) -> None:
        """Note how large the states are that a round writes."""
        for one in snapshots:
            if place := self.owned.get(one.partition):
                place.schedule.size = len(one.state)

    def lost(self, moves: Sequence[Move], lost: Collection[int]) -> set[int]:
        """The partitions of a committed round that somebody else has taken, and that were not taken back since."""
        epochs = self.epochs()
        return {move.partition for move in moves if move.partition in lost and epochs.get(move.partition) == move.epoch}

    def silent(self) -> Iterator[int]:
        """Partitions of which nothing waits and nothing has come for :data:`SILENT_S`; each is named once in that time."""
        now = self._clock.monotonic()
        for partition, place in self.owned.items():
            if not place.line.items and now - max(place.line.last_arrival, place.looked) >= SILENT_S:
                place.looked = now
                yield partition

    def last_records(self) -> dict[int, float]:
        """When each partition was last heard; of one whose records wait, now."""
        now = self._clock.monotonic()
        return {p: now if place.line.items else place.line.last_arrival for p, place in self.owned.items()}

    def found(self, damage: Mapping[int, str | None]) -> None:
        """Note which partitions were found damaged, and which are whole (``None``)."""
        self.damaged = (self.damaged - damage.keys()) | {p for p, reason in damage.items() if reason}
        metrics.DAMAGED.set(len(self.damaged))
        self._look_again = self._clock.monotonic() + LOOK_AGAIN_S

    def look_again(self) -> set[int]:
        """The damaged partitions whose log is to be looked at again now."""
        now, damaged = self._clock.monotonic(), self.damaged & self.assigned
        if not damaged or now <= self._look_again:
            return set()
        self._look_again = now + LOOK_AGAIN_S
        return damaged
