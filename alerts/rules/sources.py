"""Sources: which of two devices that measure one vital of a patient decides.

Where the rule set has a preference for a vital, the devices count in the order of the patient's enrolment; others, and
manual observations, come after them.  A device is live until ``hold_s`` of active time (:mod:`streams.engine.timeline`)
after its newest usable value.  While one is live, those after it are overruled: their values are stored and charted and
decide nothing.  Where none is live all decide, as they do without a preference (docs/decisions/0077-preferred-sources.md).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np

from devices.wire.control import Control, Enrolment, RuleSet
from devices.wire.event import Event
from streams.engine.columns.arrays import NO_INTS, Bools, Cells, Ints
from streams.engine.columns.axis import Columns, Field
from streams.engine.condition import Condition
from streams.engine.series.dense import DenseSeries
from streams.engine.series.newest import NEVER
from streams.engine.series.series import VALIDITY
from streams.engine.series.sparse import SparseSeries
from streams.engine.stage import Arrival, Moment, View

_LAST: Final = 1 << 20


class Overruled(Columns):
    """Per series: ``overruled`` bool; ``by`` int32: the device that decides instead, where it is."""

    FIELDS: ClassVar = {"overruled": Field(np.bool_, False), "by": Field(np.int32, 0)}
    overruled: Bools
    by: Cells

    def detail(self, column: int) -> dict[str, object]:
        """What a condition that ends for it says besides: {"handed_over": device}."""
        return {"handed_over": int(self.by[column])} if self.overruled[column] else {}


@dataclass(frozen=True, slots=True)
class Rivals:
    """Series of one partition that share a preferred vital of a patient with another one, found when there were ``series``
    in all.  int64 [k]: ``column`` within the partition's slice, ``group`` (a patient's vital, below ``groups``), ``hold`` in
    s, and the device's ``rank``.
    """

    series: int
    column: Ints
    group: Ints
    groups: int
    hold: Ints
    rank: Ints


class Sources:
    """A :class:`streams.engine.stage.Stage`.  ``switched``: continuous and episodic series (int64) of which it changed in
    the last evaluation whether they are overruled.
    """

    learns: Collection[type[Control]] = (RuleSet, Enrolment)
    view: View

    def __init__(self) -> None:
        self.switched: tuple[Ints, Ints] = (NO_INTS, NO_INTS)
        self._holds: dict[int, Ints] = {}  # by partition: s by vital, 0: no preference
        self._ranked: dict[int, tuple[int, ...]] = {}  # by patient: devices, the preferred one first
        self._rivals: tuple[dict[int, Rivals], dict[int, Rivals]] = ({}, {})  # continuous, episodic; by partition

    def attach(self, view: View) -> None:
        self.view = view
        self._standing = (Overruled(view.layout.dense.axis, "sources"), Overruled(view.layout.sparse.axis, "sources"))

    def standing(self, store: DenseSeries | SparseSeries) -> Overruled:
        """Whether the series of a store are overruled, and by whom."""
        return self._standing[0] if store is self.view.layout.dense else self._standing[1]

    def learn(self, partition: int, patient: int, control: Control) -> None:
        self._forget_rivals(partition)
        if isinstance(control, Enrolment):
            devices = tuple([one.device for one in control.devices if one.device])
            self._ranked[patient] = devices if len(devices) < 2 else tuple(dict.fromkeys(devices))
        elif isinstance(control, RuleSet):
            holds = np.zeros(256, np.int64)
            for one in control.prefer:
                if 0 <= one.vital < len(holds):
                    holds[one.vital] = min(max(one.hold_s, 1), NEVER)
            self._holds[partition] = holds
            if not holds.any():
                del self._holds[partition]

    def control(self, now: int, partition: int, patient: int, control: Control) -> None:
        """All of it is looked at every second."""

    def event(self, now: int, patient: int, device: int, gateway: int, event: Event) -> None:
        """Events are no values."""

    def arrive(self, arrival: Arrival) -> None:
        """The stores keep what arrived."""

    def set_back(self, partition: int, now: int) -> None:
        """The newest values have moved; the next evaluation sees it."""

    def evaluate(self, moment: Moment) -> list[Condition]:
        """Nobody is told when a source changes; what it ends says so."""
        self.switched = (NO_INTS, NO_INTS)
        if moment.decide and (self._holds or any(one.overruled.any() for one in self._standing)):
            dense, sparse = self.view.stores
            self.switched = (
                self._switch(dense, self._standing[0], moment),
                self._switch(sparse, self._standing[1], moment),
            )
        return []

    def _switch(self, store: DenseSeries | SparseSeries, standing: Overruled, moment: Moment) -> Ints:
        found = [NO_INTS]
        for partition in moment.partitions.tolist():
            columns = store.axis.of(partition)
            overruled, by = self._judged(store, columns, partition, moment.now)
            found.append(np.flatnonzero(standing.overruled[columns] != overruled) + columns.start)
            standing.overruled[columns], standing.by[columns] = overruled, by
        return np.concatenate(found)

    def _judged(self, store: DenseSeries | SparseSeries, columns: slice, partition: int, now: int) -> tuple[Bools, Cells]:
        """(overruled bool, by int32) of the series of one partition."""
        count = columns.stop - columns.start
        overruled, by = np.zeros(count, np.bool_), np.zeros(count, np.int32)
        rivals = self._rivals_of(store, columns, partition) if partition in self._holds else None
        if rivals is None or not rivals.column.size:
            return overruled, by
        column, group, rank = rivals.column + columns.start, rivals.group, rivals.rank
        valid = VALIDITY[store.series.vital[column]]
        silent = now - int(self.view.timeline.stalled_s[partition]) - (store.newest.expires[column] - valid)
        live = (store.newest.second[column] > -NEVER) & (silent <= rivals.hold)
        best = np.full(rivals.groups, _LAST, np.int64)
        np.minimum.at(best, group[live], rank[live])
        holder = np.zeros(rivals.groups, np.int32)
        leads = live & (rank == best[group])
        holder[group[leads]] = store.series.device[column[leads]]
        loses = rank > best[group]
        overruled[rivals.column] = loses
        by[rivals.column] = np.where(loses, holder[group], 0)
        return overruled, by

    def _rivals_of(self, store: DenseSeries | SparseSeries, columns: slice, partition: int) -> Rivals:
        """Looked for when series, preferences or enrolments have changed: all series are ordered for it."""
        kept, count = self._rivals[store is not self.view.layout.dense], columns.stop - columns.start
        found = kept.get(partition)
        if found is None or found.series != count:
            vital = store.series.vital[columns].astype(np.int64)
            hold = self._holds[partition][vital]
            _, group, size = np.unique(
                store.series.person[columns].astype(np.int64) << 8 | vital, return_inverse=True, return_counts=True
            )
            column = np.flatnonzero((hold > 0) & (size[group] > 1))
            who, which = store.series.patient[columns][column], store.series.device[columns][column]
            rank = [self._rank(*pair) for pair in zip(who.tolist(), which.tolist(), strict=True)]
            found = kept[partition] = Rivals(count, column, group[column], len(size), hold[column], np.array(rank, np.int64))
        return found

    def _forget_rivals(self, partition: int) -> None:
        for kept in self._rivals:
            kept.pop(partition, None)

    def _rank(self, patient: int, device: int) -> int:
        ranked = self._ranked.get(patient, ())
        return ranked.index(device) if device in ranked else _LAST

    def drop(self, partition: int, patients: Sequence[int]) -> None:
        self._holds.pop(partition, None)
        self._forget_rivals(partition)
        for patient in patients:
            self._ranked.pop(patient, None)
