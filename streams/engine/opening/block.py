"""A block: the records of one partition from one fetch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Block:
    """Records ``first`` to ``next`` - 1 of a partition, without gaps: ``appended`` int64 [n] ms (LogAppendTime), ``values``
    n records as bytes.  ``fault``: the reason why all of them are refused as they stand in the log; they have no append time
    to believe (0) then.  ``leader_epoch``: of the broker that appended them, -1: unknown.
    """

    partition: int
    first: int
    next: int
    appended: npt.NDArray[np.int64]
    values: list[bytes]
    fault: str = ""
    leader_epoch: int = -1

    @property
    def size(self) -> int:
        """The bytes of all records."""
        return sum(map(len, self.values))

    def split(self, offset: int) -> tuple[Block | None, Block | None]:
        """The parts before ``offset`` and from it on; ``None`` for an empty one."""
        if offset <= self.first:
            return None, self
        if offset >= self.next:
            return self, None
        n = offset - self.first
        return (
            Block(self.partition, self.first, offset, self.appended[:n], self.values[:n], self.fault, self.leader_epoch),
            Block(self.partition, offset, self.next, self.appended[n:], self.values[n:], self.fault, self.leader_epoch),
        )

    def parts(self, most: int) -> Iterator[Block]:
        """The block in parts of at most ``most`` records."""
        rest: Block | None = self
        while rest is not None:
            part, rest = rest.split(rest.first + most)
            if part is not None:
                yield part
