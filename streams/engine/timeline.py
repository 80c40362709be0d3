"""The passing of time as the log tells it: clocks of partitions, and which whole seconds are still to be evaluated.

The clock of a partition is the running maximum of its records' append times; a clock record more than ``SET_BACK`` behind it
sets it back, nothing else does.  A record stands in second clock // 1000.  Every whole second is evaluated once, on the
records before the first that stands in it or later, so it makes no difference where the log is cut.

Seconds in which the last clock record is more than ``STALL_S`` old do not count for missing-data timers (it counts from the
end of the silence that a clock record announces: a planned stop).  These run on
*active* seconds: the clock's less those that did not count (``stalled_s``), and they go on undisturbed when the clock is set
back.

Where no record at all came for longer than ``STALL_S``, the seconds in between are passed over: windows move and rollups are
written, nothing is decided, until the second in which the next record stands.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from devices.wire.batch import PARTITIONS, Kind
from streams.engine.columns.arrays import Bools, Ints, Rows
from streams.engine.series.ring import ROWS

STALL_S: Final = 10
"""s."""
SET_BACK: Final = 10_000
"""ms."""
MINUTE_MS: Final = 60_000


@dataclass
class Step:
    """What happens at one second: partitions (lists of int64 arrays) that are evaluated, and those passed over."""

    evaluated: list[Ints] = field(default_factory=list)
    passed: list[Ints] = field(default_factory=list)
    resumed: list[tuple[Ints, int]] = field(default_factory=list)  # evaluated, after so many seconds passed over


@dataclass(frozen=True, slots=True)
class Stretch:
    """Records of a round between settings back of clocks.

    ``records`` int64 [n]: positions, ascending; ``second`` int64 [n]: where each stands; ``steps``: what is evaluated when;
    ``set_back``: partitions whose clock is set back before the first of its records here, with its old and new second.
    """

    records: Ints
    second: Ints
    steps: dict[int, Step]
    set_back: dict[int, tuple[int, int]]


class Timeline:
    """All int64 [PARTITIONS]: ``clock`` ms (-1: no record yet), ``second`` of the last record, ``last_clock_record`` ms of
    the clock at the last clock record and the silence it announced, ``stalled_s`` s.  ``stalled`` bool: in that partition
    time does not count now.
    """

    def __init__(self) -> None:
        self.clock: Ints = np.full(PARTITIONS, -1, np.int64)
        self.second: Ints = np.full(PARTITIONS, -1, np.int64)
        self.last_clock_record: Ints = np.full(PARTITIONS, -1, np.int64)
        self.stalled_s: Ints = np.zeros(PARTITIONS, np.int64)
        self.stalled: Bools = np.zeros(PARTITIONS, np.bool_)

    def plan(self, records: Rows) -> tuple[Ints, list[Stretch]]:
        """The clock (ms) at each record (RECORD [n], each partition's together), and the stretches in order.

        ``clock`` and ``second`` move on to the end of the round; the other arrays move with the steps.
        """
        clocks = np.empty(len(records), np.int64)
        partition = records["partition"].astype(np.int64)
        append = records["append"].astype(np.int64)
        is_clock = records["kind"] == Kind.CLOCK
        rest = np.arange(len(records))
        stretches: list[Stretch] = []
        set_back: dict[int, tuple[int, int]] = {}
        while rest.size or not stretches:
            here, rest, clock = self._until_set_back(rest, partition, append, is_clock)
            clocks[here] = clock
            second = clock // 1000
            stretches.append(Stretch(here, second, self._steps(partition[here], clock, second), set_back))
            set_back = {}
            if rest.size:
                first = rest[np.append(True, partition[rest][1:] != partition[rest][:-1])]
                for at in first.tolist():
                    which, new = int(partition[at]), int(append[at])
                    set_back[which] = int(self.second[which]), new // 1000
                    self.clock[which], self.second[which] = new, new // 1000
        return clocks, stretches

    def _until_set_back(self, rest: Ints, partition: Ints, append: Ints, is_clock: Bools) -> tuple[Ints, Ints, Ints]:
        """(records up to the next setting back of each partition's clock, the others, the clock at the former)."""
        part, time = partition[rest], append[rest]
        run = np.append(True, part[1:] != part[:-1])[: len(rest)]
        base = np.cumsum(run) << 50
        clock = np.maximum.accumulate(np.maximum(time, self.clock[part]) + base) - base
        back = is_clock[rest] & (time < clock - SET_BACK)
        if not back.any():
            return rest, rest[:0], clock
        group = np.cumsum(run) - 1
        after = np.maximum.accumulate(back + 2 * group) > 2 * group  # at or after the first one of its partition
        return rest[~after], rest[after], clock[~after]

    def _steps(self, partition: Ints, clock: Ints, second: Ints) -> dict[int, Step]:
        steps: dict[int, Step] = {}
        if not partition.size:
            return steps
        run = np.append(True, partition[1:] != partition[:-1])
        before = np.append(-1, second[:-1])
        before[run] = self.second[partition[run]]
        before[before < 0] = second[before < 0]  # nothing is evaluated before the first record
        last = np.append(run[1:], True)
        self.clock[partition[last]], self.second[partition[last]] = clock[last], second[last]
        moved = np.flatnonzero(second > before)
        starts, ends, movers = before[moved], second[moved], partition[moved]
        order = np.lexsort((movers, ends, starts))
        starts, ends, movers = starts[order], ends[order], movers[order]
        cuts = np.flatnonzero((np.diff(starts) != 0) | (np.diff(ends) != 0)) + 1
        firsts = [0, *cuts.tolist()] if order.size else []
        for first, which in zip(firsts, np.split(movers, cuts), strict=False):
            self._span(steps, which, int(starts[first]), int(ends[first]))
        return steps

    @staticmethod
    def _span(steps: dict[int, Step], which: Ints, start: int, end: int) -> None:
        passed = end - start - STALL_S - 1
        for now in range(start + 1, end + 1 if passed <= 0 else start + STALL_S + 1):
            steps.setdefault(now, Step()).evaluated.append(which)
        if passed > 0:
            for now in range(start + STALL_S + 1, min(end, start + STALL_S + 1 + ROWS)):
                steps.setdefault(now, Step()).passed.append(which)
            steps.setdefault(end, Step()).resumed.append((which, passed))

    def tick(self, now: int, partitions: Ints) -> tuple[Ints, Ints]:
        """Second ``now`` is evaluated for some partitions; (those in which time stops now, those in which it goes on)."""
        still = now * 1000 - self.last_clock_record[partitions] > STALL_S * 1000
        self.stalled_s[partitions] += still
        changed = still != self.stalled[partitions]
        self.stalled[partitions] = still
        return partitions[changed & still], partitions[changed & ~still]

    def active(self, now: int, partition: Ints | int) -> Ints:
        """Active seconds int64 of partitions at second ``now``."""
        found: Ints = now - self.stalled_s[partition]
        return found

    def drop(self, partition: int) -> None:
        self.clock[partition] = self.second[partition] = self.last_clock_record[partition] = -1
        self.stalled_s[partition], self.stalled[partition] = 0, False
