"""Sources: the choice between devices that measure one vital of a patient.

Where the rule set has a preference for a vital, the devices count in the order of the patient's enrolment; others, and
manual observations, come after them.  A device is live until ``hold_s`` of active time (:mod:`streams.engine.timeline`)
after its newest usable value.  While one is live, those after it are superseded: their values are stored and charted and
decide nothing.  Where none is live all decide, as they do without a preference (docs/decisions/0077-preferred-sources.md).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from alerts.rules.suppression import Suppression
from devices.wire.control import Control, Enrolment, RuleSet
from streams.engine.columns.arrays import Bools, Cells, Ints
from streams.engine.condition import Condition
from streams.engine.series.newest import NEVER
from streams.engine.series.series_store import SeriesStore
from streams.engine.stage import Moment, Stage

_LAST: Final = 1 << 20


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


class Sources(Stage):
    """Tells ``suppression`` which series are superseded, and stands before the rules that ask it.  A change is no condition
    of its own: a condition that ends for it says so.
    """

    learns: Collection[type[Control]] = (RuleSet, Enrolment)

    def __init__(self, suppression: Suppression) -> None:
        self._suppression = suppression
        self._holds: dict[int, Ints] = {}  # by partition: s by vital, 0: no preference
        self._ranked: dict[int, tuple[int, ...]] = {}  # by patient: devices, the preferred one first
        self._rivals: tuple[dict[int, Rivals], dict[int, Rivals]] = ({}, {})  # continuous, episodic; by partition

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

    def evaluate(self, moment: Moment) -> Sequence[Condition]:
        some = self._holds or any(self._suppression.muted(store).superseded.any() for store in self.view.stores)
        if some and not moment.replaying:
            for store in self.view.stores:
                for partition in moment.partitions.tolist():
                    columns = store.axis.of(partition)
                    self._suppression.supersede(store, columns, *self._judge(store, columns, partition, moment.now))
        return ()

    def _judge(self, store: SeriesStore, columns: slice, partition: int, now: int) -> tuple[Bools, Cells]:
        """(superseded bool, by int32) of the series of one partition."""
        count = columns.stop - columns.start
        superseded, by = np.zeros(count, np.bool_), np.zeros(count, np.int32)
        rivals = self._rivals_of(store, columns, partition) if partition in self._holds else None
        if rivals is None or not rivals.column.size:
            return superseded, by
        column, group, rank = rivals.column + columns.start, rivals.group, rivals.rank
        valid = store.series.validity[column]
        silent = self.view.timeline.active(now, partition) - (store.newest.expires[column] - valid)
        live = (store.newest.second[column] > -NEVER) & (silent <= rivals.hold)
        best = np.full(rivals.groups, _LAST, np.int64)
        np.minimum.at(best, group[live], rank[live])
        holder = np.zeros(rivals.groups, np.int32)
        leads = live & (rank == best[group])
        holder[group[leads]] = store.series.device[column[leads]]
        loses = rank > best[group]
        superseded[rivals.column] = loses
        by[rivals.column] = np.where(loses, holder[group], 0)
        return superseded, by

    def _rivals_of(self, store: SeriesStore, columns: slice, partition: int) -> Rivals:
        """The rivals of a partition; found again when series, preferences or enrolments have changed."""
        kept, count = self._rivals[store is not self.view.layout.dense], columns.stop - columns.start
        found = kept.get(partition)
        if found is None or found.series != count:
            vital = store.series.vital[columns].astype(np.int64)
            hold = self._holds[partition][vital]
            _, group, size = np.unique(
                store.series.person[columns].astype(np.int64) << 8 | vital, return_inverse=True, return_counts=True
            )
            column = np.flatnonzero((hold > 0) & (size[group] > 1))
            patient, device = store.series.patient[columns][column], store.series.device[columns][column]
            rank = [self._rank(*pair) for pair in zip(patient.tolist(), device.tolist(), strict=True)]
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
