"""Sources: which of the devices that measure one parameter of a patient decides.

At each second exactly one series decides; all others are superseded: stored and charted, and they decide nothing.  A
source is *live* until the hold of its vital (``RuleSet.prefer``), or two of its intervals where that is more, has passed
on the active clock since its newest usable value, and while its sensor is on.  Of the live ones the preferred one decides:
what somebody measured by hand before all devices; those that report by themselves at least once a minute before slower
ones and those that a person starts; the rate of an ECG before a pulse; then the order of the patient's enrolment.  Where
none is live, and for vitals without a hold (those measured now and then), the newest value decides
(docs/decisions/0077-preferred-sources.md).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from alerts.rules.limits.bounds import HOLE
from alerts.rules.parameters import PARAMETER
from alerts.rules.suppression import Suppression
from devices.vitals import Vital
from devices.wire.control import Control, Enrolment, Preference, RuleSet
from streams.engine.columns.arrays import NO_INTS, Bools, Ints, starts
from streams.engine.condition import Condition
from streams.engine.series.newest import NEVER
from streams.engine.series.series import CONTINUOUS
from streams.engine.series.series_store import SeriesStore
from streams.engine.stage import Moment, Stage

_LAST: Final = 1 << 20
_INTERVALS: Final = 2
_RANKS: Final = 16
"""Bits of a rank within its group."""
_LIVE: Final = 1 << 60
_WORN: Final = 1 << 58
_NOT_PREFERRED: Final = Preference(0).hold_s


@dataclass(frozen=True, slots=True)
class Rivals:
    """Series of one partition that share a parameter of a patient with another one, those of a group together, the preferred
    one first; found when the partition had ``series`` series.  int64 [k]: ``column`` within the partition's slice, ``rank``
    in the group, ``live_s``.
    """

    series: int
    column: Ints
    rank: Ints
    live_s: Ints


@dataclass(frozen=True, slots=True)
class Judged:
    """Rivals of some partitions at one second, by group as in :class:`Rivals`: ``column`` int64 [k] on the axis, ``group``
    int64 [k] (ascending from 0), ``live`` bool [k]; the column that decides for each group, ``leader`` int64 [groups] (-1:
    nobody has a value), and which of them are live, ``led_live`` bool [groups].
    """

    column: Ints
    group: Ints
    live: Bools
    leader: Ints
    led_live: Bools


_NOBODY: Final = Judged(NO_INTS, NO_INTS, np.zeros(0, np.bool_), NO_INTS, np.zeros(0, np.bool_))


class Sources(Stage):
    """Gives ``suppression`` the series that are superseded, and stands before the rules that ask it.  ``judged``: the
    rivals of this second, continuous and episodic.
    """

    learns: Collection[type[Control]] = (RuleSet, Enrolment)

    def __init__(self, suppression: Suppression) -> None:
        self._suppression = suppression
        self._holds: dict[int, Ints] = {}  # by partition: s by vital
        self._ranked: dict[int, dict[int, int]] = {}  # by patient: the place of a device in the enrolment
        self._rivals: tuple[dict[int, Rivals], dict[int, Rivals]] = ({}, {})  # continuous, episodic; by partition
        self.judged: tuple[Judged, Judged] = (_NOBODY, _NOBODY)

    def learn(self, partition: int, patient: int, control: Control) -> None:
        self._forget_rivals(partition)
        if isinstance(control, Enrolment):
            devices = dict.fromkeys([one.device for one in control.devices if one.device])
            self._ranked[patient] = {device: rank for rank, device in enumerate(devices)}
        elif isinstance(control, RuleSet):
            self._holds[partition] = holds_of(control.prefer)

    def idle_until(self, now: int) -> int:
        """Never where no parameter of anybody has two sources: then nothing is superseded, whatever the time."""
        held = np.flatnonzero(self.view.layout.held).tolist()
        alone = all(
            one.get(partition) is not None and not one[partition].column.size for one in self._rivals for partition in held
        )
        return NEVER if alone else now

    def evaluate(self, moment: Moment) -> Sequence[Condition]:
        if not moment.replaying:
            first, second = self.view.stores
            self.judged = self._judge(first, moment), self._judge(second, moment)
        return ()

    def _judge(self, store: SeriesStore, moment: Moment) -> Judged:
        """Say which series are superseded."""
        kept = [(partition, self._rivals_of(store, partition)) for partition in moment.partitions.tolist()]
        rivals = [(partition, one) for partition, one in kept if one.column.size]
        if not rivals:
            return _NOBODY
        column = np.concatenate([one.column + store.axis.start[partition] for partition, one in rivals])
        rank = np.concatenate([one.rank for _, one in rivals])
        live_s = np.concatenate([one.live_s for _, one in rivals])
        newest, series = store.newest, store.series
        known = newest.second[column] > -NEVER
        active_now = moment.now - self.view.timeline.stalled_s[store.axis.owner[column]]
        silent = active_now - (newest.expires[column] - series.validity[column])
        muted = self._suppression.muted(store)
        worn = ~muted.unworn[column]
        live = known & worn & (silent <= live_s) & (live_s > 0) & ~muted.sensor_off[column]
        at = newest.second[column] * 1000 + newest.ms[column]
        by_age = (at << _RANKS | ((1 << _RANKS) - 1 - rank)) + np.where(worn, _WORN, 0)
        value = np.where(live, _LIVE - rank, np.where(known, by_age, -1))
        first = np.flatnonzero(rank == 0)
        group = np.repeat(np.arange(len(first)), np.diff(np.append(first, len(rank))))
        best = np.maximum.reduceat(value, first)
        leads = (value == best[group]) & known
        leader, led_live = np.full(len(first), -1), np.zeros(len(first), np.bool_)
        leader[group[leads]], led_live[group[leads]] = column[leads], live[leads]
        order = np.zeros(len(first), np.int64)
        order[group[leads]] = rank[leads]
        superseded = ~leads & (leader[group] >= 0)
        by = np.where(superseded, series.device[leader[group]], 0)
        covered = superseded & led_live[group] & (rank > order[group])
        self._suppression.supersede(store, column, leads, superseded, by, covered)
        return Judged(column, group, live, leader, led_live)

    def _rivals_of(self, store: SeriesStore, partition: int) -> Rivals:
        """The rivals of a partition; found again when series, preferences or enrolments have changed."""
        kept, count = self._rivals[store is not self.view.layout.dense], int(store.axis.used[partition])
        found = kept.get(partition)
        if found is None or found.series != count:
            found = kept[partition] = self._find(store, partition, count)
        return found

    def _find(self, store: SeriesStore, partition: int, count: int) -> Rivals:
        columns = store.axis.of(partition)
        series, layout = store.series, self.view.layout
        vital = series.vital[columns].astype(np.int64)
        key = series.person[columns].astype(np.int64) << 8 | PARAMETER[vital]
        _, group, size = np.unique(key, return_inverse=True, return_counts=True)
        column = np.flatnonzero(size[group] > 1)
        here = column + columns.start
        device = series.device[here].astype(np.int64)
        interval = layout.where.interval[layout.senders_of(store, here)] if here.size else NO_INTS
        slow = (interval == 0) | (interval > HOLE)
        place = [self._place(*one) for one in zip(series.patient[here].tolist(), device.tolist(), strict=True)]
        keys = (device, np.array(place, np.int64), vital[column] == Vital.PULSE_RATE, slow, device != 0, group[column])
        order = np.lexsort(keys)
        column, chosen = column[order], group[column][order]
        first = np.flatnonzero(starts(chosen)) if chosen.size else NO_INTS
        rank = np.arange(len(column)) - np.repeat(first, np.diff(np.append(first, len(column))))
        hold = self._holds.get(partition, _HOLDS)[vital[column]]
        live_s = np.where(hold > 0, np.maximum(hold, _INTERVALS * interval[order]), 0)
        return Rivals(count, column, np.minimum(rank, (1 << _RANKS) - 1), live_s)

    def _place(self, patient: int, device: int) -> int:
        return self._ranked.get(patient, {}).get(device, _LAST)

    def _forget_rivals(self, partition: int) -> None:
        for kept in self._rivals:
            kept.pop(partition, None)

    def drop(self, partition: int, patients: Sequence[int]) -> None:
        self._holds.pop(partition, None)
        self._forget_rivals(partition)
        for patient in patients:
            self._ranked.pop(patient, None)


def holds_of(prefer: Sequence[Preference]) -> Ints:
    """Seconds for which each vital holds to its source, int64: as preferred; else a minute, and 0 for one measured now and
    then.
    """
    holds = np.where(CONTINUOUS, _NOT_PREFERRED, 0)
    for one in prefer:
        if 0 <= one.vital < len(holds):
            holds[one.vital] = min(max(one.hold_s, 1), NEVER)
    return holds


_HOLDS: Final = holds_of(())
