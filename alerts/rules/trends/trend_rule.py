"""The parts that all trends share: when a series is looked at, what mutes it, and its conditions."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from typing import ClassVar

import numpy as np

from alerts.rules.rule import NONE
from alerts.rules.series_rule import SeriesRule
from alerts.rules.trends.trend_table import TrendTable, rule_name, trend_table
from devices.wire.control import Control, Enrolment, Facts, OwnRules, Pauses, RuleSet
from streams.engine.columns.arrays import Bools, Bytes, Ints
from streams.engine.condition import Condition, Priority
from streams.engine.series.newest import NEVER
from streams.engine.stage import Moment

Shown = Callable[[int, int, int], tuple[float, float, dict[str, object]]]
"""(value, limit, detail) of a trend."""


class TrendRule(SeriesRule):
    """A rule of some ``kinds`` of trends; their limits are in :class:`alerts.rules.trends.trend_table.TrendTable`.

    A trend ends when it is back inside by its hysteresis, when it is superseded by another device's, or when its rule is
    paused: never because values stopped.  None begins while the sensor is off.
    """

    kinds: ClassVar[tuple[int, ...]]
    quiet = True

    def changed(self, moment: Moment) -> tuple[Ints, Collection[int]]:
        """Take in what is new: (series to look at, int64 [k]; partitions of which every series is looked at)."""
        raise NotImplementedError

    def judge(self, partition: int, table: TrendTable, column: Ints, was: Bools) -> tuple[Bools, Shown]:
        """(which trends are beyond their limits, bool [kind, side, n] like ``was``, which are active; the figures of one,
        by kind, side and place) of some series of one partition.
        """
        raise NotImplementedError

    def groups(self, column: Ints) -> Iterator[tuple[TrendTable, Ints]]:
        """(limits, series int64) of some series: those of patients with the same rule set together."""
        rows = self.view.layout.patient_of(self.store, column)
        for rules, at in self.suppression.chosen.groups(rows):
            yield trend_table(rules.trends), column[at]

    def has_limits(self, table: TrendTable) -> bool:
        return not table.kinds.isdisjoint(self.kinds)

    def learn(self, partition: int, patient: int, control: Control) -> None:
        """The limits are those of :class:`alerts.rules.layers.chosen.Chosen`."""

    def control(self, now: int, partition: int, patient: int, control: Control) -> None:
        if isinstance(control, RuleSet | OwnRules | Pauses | Enrolment | Facts):
            of = self.store.axis.of(partition)
            columns = np.arange(of.start, of.stop)
            self.notify_at(0, columns[self.store.series.patient[of] == patient] if patient else columns)

    def evaluate(self, moment: Moment) -> Sequence[Condition]:
        fresh, whole = self.changed(moment)
        if moment.replaying:  # looked at when time goes on
            self.notify_at(0, fresh)
            return ()
        due, axis, out = self.table.due(moment), self.store.axis, list[Condition]()
        partitions = set(whole)
        if due.size or fresh.size:
            partitions.update(axis.owner[np.append(due, fresh)].tolist())
            self.notify_at(NEVER, due)
        for partition in sorted(partitions):
            columns = axis.of(partition)
            column = np.union1d(due, fresh)
            column = column[axis.owner[column] == partition]
            if partition in whole:
                column = np.arange(columns.start, columns.stop)
            for table, mine in self.groups(column) if column.size else ():
                looked = mine if self.has_limits(table) else mine[self.table.active[..., mine].any(self._levels)]
                if looked.size:
                    out += self._decide(partition, table, looked, moment.now)
        return out

    @property
    def _levels(self) -> tuple[int, ...]:
        return tuple(range(self.table.active.ndim - 1))

    def _decide(self, partition: int, table: TrendTable, column: Ints, now: int) -> list[Condition]:
        vital, active = self.store.series.vital[column], self.table.active
        was = active[..., column].reshape(len(self.kinds), 2, -1)
        wanted, shown = self.judge(partition, table, column, was)
        self._mute(column, was, wanted, now)
        active[..., column] = wanted.reshape(was.shape if active.ndim > 2 else was.shape[1:])
        out = []
        for place, side, at in np.argwhere(was != wanted).tolist():
            kind, begins = self.kinds[place], bool(wanted[place, side, at])
            value, limit, detail = shown(kind, side, at)
            priority = int(table.priority[kind, side, vital[at]]) or Priority.LOW
            one = self.condition(
                now=now,
                column=int(column[at]),
                rule=rule_name(int(vital[at]), kind, side),
                before=NONE if begins else priority,
                after=priority if begins else NONE,
                value=value,
                limit=limit or None,
                detail=detail,
            )
            out.append(one)
        return out

    def _mute(self, column: Ints, was: Bools, wanted: Bools, now: int) -> None:
        """Take back in place the trends that are muted; ``was`` and ``wanted`` bool [kind, side, n]."""
        vital, patient = self.store.series.vital[column], self.store.series.patient[column]
        begins = self.valid(column, now) & ~self.muted.sensor_off[column]
        wanted &= (was | begins) & ~self.muted.superseded[column] & ~self.muted.unworn[column]
        for place, side in np.ndindex(len(self.kinds), 2):
            names = partial(_name_at, vital, self.kinds[place], side)
            wanted[place, side] &= ~self.suppression.paused(patient, now, names)


def _name_at(vital: Bytes, kind: int, side: int, at: int) -> str:
    return rule_name(int(vital[at]), kind, side)
