"""The timeline of each partition: its clock, and which whole seconds are still to be evaluated.

The clock of a partition is the running maximum of its records' append times.  A clock record more than ``SET_BACK`` behind
it sets it back; nothing else does.  A record stands in second clock // 1000.  Every whole second is evaluated once, on the
records before the first that stands in it or later: the result does not depend on where the log is cut.

Missing-data timers run on *active* seconds: clock seconds minus stalled seconds (``stalled_s``).  A second is stalled when
the last clock record is more than ``STALL_S`` old.  A clock record may announce a silence (a planned stop): its age counts
from the end of it.  Setting a clock back does not change active seconds.

Where no record at all came for longer than ``STALL_S``, the seconds in between are passed over: windows move and rollups are
written, nothing is decided, until the second in which the next record stands.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from devices.wire.batch import PARTITIONS, Kind
from streams.engine.columns.arrays import Bools, Ints, Rows, ends, starts
from streams.engine.series.ring import ROWS

STALL_S: Final = 10
"""s."""
SET_BACK: Final = 10_000
"""ms."""
MINUTE_MS: Final = 60_000
STRETCH: Final = 41
"""Bits of the second in a tick."""


@dataclass
class Step:
    """The partitions (int64 arrays) in which the second of a tick is ``evaluated``, ``passed`` over, or evaluated after so
    many seconds passed over (``resumed``); ``set_back``: (partition, former second) of clocks set back to it first.
    """

    evaluated: list[Ints] = field(default_factory=list)
    passed: list[Ints] = field(default_factory=list)
    resumed: list[tuple[Ints, int]] = field(default_factory=list)
    set_back: list[tuple[int, int]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Plan:
    """``clock`` (ms) and ``tick`` of each record, int64 [n], the latter ascending in each partition; ``steps`` by tick.

    A tick is the second of the clock, and above it, from bit ``STRETCH`` on, how often clocks were set back in this round.
    """

    clock: Ints
    tick: Ints
    steps: dict[int, Step]


class Timeline:
    """By partition, int64: ``clock`` ms (-1: no record yet), ``second`` of the last record, ``last_clock_record``: ms of the
    clock at it, plus the silence that it announced, ``stalled_s`` s; bool ``stalled``: its seconds are stalled now.
    """

    def __init__(self) -> None:
        self.clock: Ints = np.full(PARTITIONS, -1, np.int64)
        self.second: Ints = np.full(PARTITIONS, -1, np.int64)
        self.last_clock_record: Ints = np.full(PARTITIONS, -1, np.int64)
        self.stalled_s: Ints = np.zeros(PARTITIONS, np.int64)
        self.stalled: Bools = np.zeros(PARTITIONS, np.bool_)

    @property
    def arrays(self) -> tuple[Ints | Bools, ...]:
        """The arrays in the order of a snapshot."""
        return self.clock, self.second, self.last_clock_record, self.stalled_s, self.stalled

    def plan(self, records: Rows) -> Plan:
        """The ticks of a round of RECORD [n], by partition.

        ``clock`` and ``second`` move on to the end of the round; the other arrays move with the steps.
        """
        plan = Plan(np.empty(len(records), np.int64), np.empty(len(records), np.int64), {})
        partition = records["partition"].astype(np.int64)
        append = records["append"].astype(np.int64)
        is_clock = records["kind"] == Kind.CLOCK
        rest, stretch = np.arange(len(records)), 0
        while rest.size:
            here, rest, clock = self._until_set_back(rest, partition, append, is_clock)
            plan.clock[here], plan.tick[here] = clock, stretch + clock // 1000
            self._add_steps(plan.steps, stretch, partition[here], clock)
            stretch += 1 << STRETCH
            for at in rest[starts(partition[rest])].tolist():
                which, new = int(partition[at]), int(append[at])
                plan.steps.setdefault(stretch + new // 1000, Step()).set_back.append((which, int(self.second[which])))
                self.clock[which], self.second[which] = new, new // 1000
        return plan

    def _until_set_back(self, rest: Ints, partition: Ints, append: Ints, is_clock: Bools) -> tuple[Ints, Ints, Ints]:
        """(records up to the next setting back of each partition's clock, the others, the clock at the former)."""
        part, time = partition[rest], append[rest]
        group = np.cumsum(starts(part))
        base = group << 50
        clock = np.maximum.accumulate(np.maximum(time, self.clock[part]) + base) - base
        back = is_clock[rest] & (time < clock - SET_BACK)
        if not back.any():
            return rest, rest[:0], clock
        after = np.maximum.accumulate(back + 2 * group) > 2 * group  # at or after the first one of its partition
        return rest[~after], rest[after], clock[~after]

    def _add_steps(self, steps: dict[int, Step], stretch: int, partition: Ints, clock: Ints) -> None:
        first, last, second = starts(partition), ends(partition), clock // 1000
        before = np.append(-1, second)[:-1]
        before[first] = self.second[partition[first]]
        before[before <= 0] = second[before <= 0]  # nothing is evaluated before the first record whose time is known
        self.clock[partition[last]], self.second[partition[last]] = clock[last], second[last]
        moved = np.flatnonzero(second > before)
        old, new, movers = before[moved], second[moved], partition[moved]
        order = np.lexsort((movers, new, old))
        old, new, movers = old[order], new[order], movers[order]
        groups = np.flatnonzero(starts(old) | starts(new))
        for at, together in zip(groups.tolist(), np.split(movers, groups[1:]), strict=False):
            begin, end = stretch + int(old[at]), stretch + int(new[at])
            passed = end - begin - STALL_S - 1
            for tick in range(begin + 1, end + 1 if passed <= 0 else begin + STALL_S + 1):
                steps.setdefault(tick, Step()).evaluated.append(together)
            if passed > 0:
                for tick in range(begin + STALL_S + 1, min(end, begin + STALL_S + 1 + ROWS)):
                    steps.setdefault(tick, Step()).passed.append(together)
                steps.setdefault(end, Step()).resumed.append((together, passed))

    def tick(self, now: int, partitions: Ints) -> tuple[Ints, Ints]:
        """Second ``now`` is evaluated for some partitions; (those that stall from now on, those that are active again)."""
        stalled = now * 1000 - self.last_clock_record[partitions] > STALL_S * 1000
        self.stalled_s[partitions] += stalled
        changed = stalled != self.stalled[partitions]
        self.stalled[partitions] = stalled
        return partitions[changed & stalled], partitions[changed & ~stalled]

    def active(self, now: int, partition: Ints | int) -> Ints:
        """Active seconds int64 of partitions at second ``now``."""
        found: Ints = now - self.stalled_s[partition]
        return found

    def drop(self, partition: int) -> None:
        self.clock[partition] = self.second[partition] = self.last_clock_record[partition] = -1
        self.stalled_s[partition], self.stalled[partition] = 0, False
