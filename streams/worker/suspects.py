"""Suspects: partitions in whose records a round failed, until the one record is found that it fails at.

A round that fails leaves the state of its partitions undefined, so they are taken anew from snapshot and log.  Then each
goes alone, in half as many records after each failure.  A single record that still fails is set aside.  Where that does not
help, it is the state that is bad, and the partition goes on without it, as where a snapshot cannot be read.  All of it
depends on the log alone, so it comes to the same record however often the worker is killed meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from streams.engine.opening.block import Block
from streams.store.ledger import Move
from streams.worker.set_aside import Aside


@dataclass(slots=True)
class Suspect:
    """A partition whose rounds hold at most ``most`` records up to the offset ``until``.  ``aside``: offset -> reason;
    ``anew``: its state is left behind when it is taken the next time.
    """

    until: int
    most: int
    aside: dict[int, str] = field(default_factory=dict)
    anew: bool = False


class Suspects:
    """By partition, who waits longest first."""

    def __init__(self) -> None:
        self.partitions: dict[int, Suspect] = {}
        self._alone = {True: False, False: False}

    def turn(self, waiting: Sequence[int], *, known: bool) -> int | None:
        """The suspect among those ``waiting`` whose round is next; ``None``: the round is that of all others.  Every second
        round of each kind is theirs.
        """
        self._alone[known] = not self._alone[known]
        partition = next((p for p in self.partitions if p in waiting), None) if self._alone[known] else None
        if partition is not None:
            self.partitions[partition] = self.partitions.pop(partition)
        return partition

    def failed(self, blocks: Sequence[Block], reason: str, *, known: bool) -> bool:
        """Note that a round of ``blocks`` failed, ``known``: while it was folded again.  False: nothing is left to try."""
        partitions = {block.partition for block in blocks}
        for partition in partitions:
            mine = [block for block in blocks if block.partition == partition]
            first, until, count = mine[0].first, mine[-1].next, sum(len(block.values) for block in mine)
            one = self.partitions.setdefault(partition, Suspect(until, count))
            one.until = max(one.until, until)
            if len(partitions) > 1:
                one.most = count
            elif known:
                one.anew = True
            elif count > 1:
                one.most = count // 2
            elif first not in one.aside:
                one.aside = {first: reason}
            elif not one.anew:
                one.anew, one.aside = True, {}
            else:
                return False
        return True

    def aside(self, partition: int) -> Aside:
        """The records of the partition to be set aside in its next round."""
        one = self.partitions.get(partition)
        return {(partition, offset): reason for offset, reason in one.aside.items()} if one else {}

    def anew(self, partition: int) -> bool:
        """True if the partition's state is bad."""
        return partition in self.partitions and self.partitions[partition].anew

    def passed(self, moves: Iterable[Move]) -> None:
        """Note what was stored: who is beyond the round that failed is a suspect no more."""
        for move in moves:
            one = self.partitions.get(move.partition)
            if one is None:
                continue
            one.aside, one.anew, one.most = {}, False, one.most * 2
            if move.next >= one.until:
                del self.partitions[move.partition]
