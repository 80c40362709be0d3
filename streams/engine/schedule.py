"""The schedule of a round: which samples, heartbeats, clock records, controls and events are folded at which tick."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, TypeVar

import numpy as np

from devices.wire.batch import PARTITIONS, Kind
from devices.wire.control import Control
from devices.wire.event import Event
from streams.engine.columns.arrays import Bools, Bytes, Cells, Ints, Rows, starts
from streams.engine.timeline import MINUTE_MS, Plan

_NONE: Final = slice(0, 0)
_RANK: Final = 57
"""Bits of a tick: the rank of a partition in the round stands before them."""
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Usable:
    """The usable samples of a round, all [n]: position of their ``record``, columns of ``sender`` and series (``column``,
    on the dense axis where ``continuous``), ``second`` and ``time`` (ms) of measurement, ``cell``
    (:mod:`streams.engine.series.ring`) and ``status``.
    """

    record: Ints
    sender: Ints
    column: Ints
    continuous: Bools
    second: Ints
    cell: Cells
    time: Ints
    status: Bytes


class ByTick:
    """The positions of entries, grouped by tick; within a tick their order stays."""

    def __init__(self, tick: Ints) -> None:
        self._order = None
        if (tick[1:] < tick[:-1]).any():
            self._order = np.argsort(tick, kind="stable")
            tick = tick[self._order]
        cuts = np.flatnonzero(starts(tick)).tolist()
        self._spans = {int(tick[a]): slice(a, b) for a, b in itertools.pairwise([*cuts, len(tick)])}
        self.ticks = self._spans.keys()

    def at(self, tick: int) -> slice | Ints:
        """An index of the entries of one tick."""
        span = self._spans.get(tick, _NONE)
        return span if self._order is None else self._order[span]


class Schedule:
    """A round by tick.  ``samples``, ``unsure`` and ``heartbeats`` index the arrays given.  ``controls``: ((partition,
    patient), control); ``events``: ((patient, device, gateway), event).

    ``clock_records`` indexes ``clock_partition`` and ``silent_until`` (int64 [c], ms): the clock at each clock record, and
    at the very first record of a partition, plus the silence that it announces.
    """

    def __init__(
        self,
        plan: Plan,
        records: Rows,
        last_clock_record: Ints,
        *,
        samples: Ints,
        unsure: Ints,
        heartbeats: Ints,
        controls: Sequence[tuple[int, Control]],
        events: Sequence[tuple[int, Event]],
    ) -> None:
        """``samples``, ``unsure``, ``heartbeats`` int64, and the numbers before each payload, are positions of records."""
        self.samples = ByTick(plan.tick[samples])
        self.unsure = ByTick(plan.tick[unsure])
        self.heartbeats = ByTick(plan.tick[heartbeats])
        self.controls = _by_tick(plan.tick, records, ["partition", "patient"], controls)
        self.events = _by_tick(plan.tick, records, ["patient", "device", "gateway"], events)
        partition, is_clock = records["partition"], records["kind"] == Kind.CLOCK
        found = np.flatnonzero(is_clock | (starts(partition) & (last_clock_record[partition] < 0)))
        self.clock_records = ByTick(plan.tick[found])
        self.clock_partition = partition[found]
        silence = np.where(is_clock, records["count"].astype(np.int64), 0)[found]
        self.silent_until = plan.clock[found] + silence * MINUTE_MS
        self._records, self._tick, self.steps = records, plan.tick, plan.steps
        arrivals = self.samples.ticks, self.unsure.ticks, self.heartbeats.ticks
        by_tick = (*arrivals, self.clock_records.ticks, self.controls, self.events)
        self.ticks: list[int] = sorted(set(plan.steps).union(*by_tick))

    def offset(self, partition: Cells, tick: int) -> Ints:
        """Offsets int64 [n] of the first records of partitions int32 [n] at a tick or later."""
        rank_of_partition, rank = self._ranks
        offsets: Ints = self._records["offset"][np.searchsorted(rank, rank_of_partition[partition] << _RANK | tick)]
        return offsets

    @cached_property
    def _ranks(self) -> tuple[Ints, Ints]:
        """(rank of each partition in the round, rank << ``_RANK`` | tick of each record, ascending)."""
        partition = self._records["partition"]
        present = partition[starts(partition)]
        rank = np.zeros(PARTITIONS, np.int64)
        rank[present] = np.arange(len(present))
        return rank, rank[partition] << _RANK | self._tick


def _by_tick(
    ticks: Ints, records: Rows, fields: list[str], payloads: Sequence[tuple[int, _T]]
) -> dict[int, list[tuple[tuple[int, ...], _T]]]:
    """(fields of the record, payload) by tick."""
    found: dict[int, list[tuple[tuple[int, ...], _T]]] = {}
    if payloads:
        record = np.array([at for at, _ in payloads], np.int64)
        values = records[record][fields].tolist()
        for tick, value, (_, payload) in zip(ticks[record].tolist(), values, payloads, strict=True):
            found.setdefault(tick, []).append((value, payload))
    return found
