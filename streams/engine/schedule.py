"""The schedule of a round: which samples, heartbeats, clock records, controls and events stand in which second."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np

from devices.wire.batch import Kind
from devices.wire.control import Control
from devices.wire.event import Event
from streams.engine.columns.arrays import Bools, Bytes, Cells, Ints, Rows, starts
from streams.engine.timeline import MINUTE_MS, Stretch

_NONE: Final = slice(0, 0)
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Prepared:
    """The accepted content of a round, ready to be folded.

    The usable samples, all [n]: positions of their ``record``, columns of ``sender`` and series (``column``, on the dense
    axis where ``continuous``), ``second`` and ``time`` (ms) of measurement, ``cell`` (:mod:`streams.engine.series.ring`) and
    ``status``.  The heartbeats, [k]: positions of their records, and columns of their ``links``.  ``controls`` and
    ``events`` (without heartbeats): (position of the record, payload).
    """

    records: Rows
    clocks: Ints
    record: Ints
    sender: Ints
    column: Ints
    continuous: Bools
    second: Ints
    cell: Cells
    time: Ints
    status: Bytes
    heartbeats: Ints
    links: Ints
    controls: list[tuple[int, Control]]
    events: list[tuple[int, Event]]


class BySecond:
    """The positions of entries, grouped by second; within a second their order stays.  Entries of second -1 are left out."""

    def __init__(self, second: Ints) -> None:
        self._order = None
        if second.size and (second[0] < 0 or (second[1:] < second[:-1]).any()):
            self._order = np.argsort(second, kind="stable")
            second = second[self._order]
        cuts = [*np.flatnonzero(starts(second)).tolist(), len(second)]
        self._spans = {int(second[a]): slice(a, b) for a, b in itertools.pairwise(cuts) if second[a] >= 0}
        self.seconds = self._spans.keys()

    def at(self, second: int) -> slice | Ints:
        """An index of the entries of one second."""
        span = self._spans.get(second, _NONE)
        return span if self._order is None else self._order[span]


class Schedule:
    """One stretch of a round by second.  ``samples`` and ``heartbeats`` index the arrays of :class:`Prepared`;
    ``controls``: ((partition, patient), control); ``events``: ((patient, device, gateway), event).

    ``clock_records`` indexes ``clock_partition`` and ``silent_until`` (int64 [c], ms): the clock at each clock record, and
    at the very first record of a partition, plus the silence that it announces.
    """

    def __init__(self, prepared: Prepared, stretch: Stretch, last_clock_record: Ints) -> None:
        records = prepared.records
        second_of_record = np.full(len(records), -1, np.int64)
        second_of_record[stretch.records] = stretch.second
        self.samples = BySecond(second_of_record[prepared.record])
        self.heartbeats = BySecond(second_of_record[prepared.heartbeats])

        partition = records["partition"][stretch.records]
        is_clock = records["kind"][stretch.records] == Kind.CLOCK
        found = np.flatnonzero(is_clock | (starts(partition) & (last_clock_record[partition] < 0)))
        at = stretch.records[found]
        silence = np.where(is_clock[found], records["count"][at].astype(np.int64), 0)
        self.clock_records = BySecond(stretch.second[found])
        self.clock_partition, self.silent_until = partition[found], prepared.clocks[at] + silence * MINUTE_MS

        self.controls = _grouped(records[["partition", "patient"]], second_of_record, prepared.controls)
        self.events = _grouped(records[["patient", "device", "gateway"]], second_of_record, prepared.events)
        by_second = (self.samples.seconds, self.heartbeats.seconds, self.clock_records.seconds, self.controls, self.events)
        self.seconds: list[int] = sorted({*stretch.steps}.union(*by_second) - {-1})


def _grouped(
    fields: Rows, second_of_record: Ints, payloads: list[tuple[int, _T]]
) -> dict[int, list[tuple[tuple[int, ...], _T]]]:
    """(fields of the record, payload) by second."""
    record = np.array([at for at, _ in payloads], np.int64)
    found: dict[int, list[tuple[tuple[int, ...], _T]]] = {}
    named = zip(second_of_record[record].tolist(), fields[record].tolist(), payloads, strict=True)
    for second, values, (_, payload) in named:
        found.setdefault(second, []).append((values, payload))
    return found
