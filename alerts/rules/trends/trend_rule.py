"""The parts that all trends share: when a series is looked at, what mutes it, and its conditions."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Iterable, Sequence
from typing import ClassVar, Final

import numpy as np

from alerts.rules.rule import NONE
from alerts.rules.series_rule import SeriesRule
from alerts.rules.suppression import Suppression
from alerts.rules.trends.trend_table import TrendTable, rule_name
from devices.wire.control import Control, Pauses, RuleSet
from streams.engine.columns.arrays import NO_INTS, Bools, Ints
from streams.engine.condition import Condition, Priority
from streams.engine.series.newest import NEVER
from streams.engine.stage import Moment

_OFF: Final = TrendTable()


class TrendRule(SeriesRule):
    """A rule of some ``kinds`` of trends; their limits are in :class:`alerts.rules.trends.trend_table.TrendTable`.

    A trend ends when it is back inside by its hysteresis, when the newest value is no longer valid or superseded by another
    device's, or when its rule is paused.  None begins while the sensor is off.
    """

    learns: Collection[type[Control]] = (RuleSet,)
    kinds: ClassVar[tuple[int, ...]]

    def __init__(self, suppression: Suppression, *, continuous: bool) -> None:
        super().__init__(suppression, continuous=continuous)
        self._tables: dict[int, TrendTable] = {}

    @abstractmethod
    def news(self, moment: Moment) -> tuple[Ints, Collection[int]]:
        """Take in what is new: (series to look at, int64 [k]; partitions of which every series is looked at)."""

    @abstractmethod
    def has_limits(self, table: TrendTable) -> bool:
        """Return whether a table has limits for this rule's kinds."""

    @abstractmethod
    def decide(self, partition: int, table: TrendTable, column: Ints, now: int) -> list[Condition]:
        """The conditions of some series of one partition that change at second ``now``."""

    def limits_of(self, partition: int) -> TrendTable:
        return self._tables.get(partition, _OFF)

    def learn(self, partition: int, patient: int, control: Control) -> None:
        if isinstance(control, RuleSet):
            self._tables[partition] = TrendTable(control.trends)

    def control(self, now: int, partition: int, patient: int, control: Control) -> None:
        if isinstance(control, RuleSet | Pauses):
            of = self.store.axis.of(partition)
            columns = np.arange(of.start, of.stop)
            self.notify_at(0, columns[self.store.series.patient[of] == patient] if patient else columns)

    def evaluate(self, moment: Moment) -> Sequence[Condition]:
        fresh, whole = self.news(moment)
        if moment.replaying:  # looked at when time goes on
            self.notify_at(0, fresh)
            return ()
        due, axis, out = self.table.due(moment), self.store.axis, list[Condition]()
        self.notify_at(NEVER, due)
        for partition in sorted({*whole, *np.unique(axis.owner[np.append(due, fresh)]).tolist()}):
            table, columns = self.limits_of(partition), axis.of(partition)
            if partition in whole and self.has_limits(table):
                column = np.arange(columns.start, columns.stop)
            else:
                column = np.union1d(due, fresh if self.has_limits(table) else NO_INTS)
                column = column[axis.owner[column] == partition]
            if column.size:
                out += self.decide(partition, table, column, moment.now)
        return out

    def mute(self, column: Ints, was: Bools, wanted: Bools, now: int) -> None:
        """Take back in place the trends that are muted; ``was`` and ``wanted`` bool [kind, side, n]."""
        vital, patient = self.store.series.vital[column], self.store.series.patient[column]
        wanted &= self.valid(column, now) & (was | ~self.muted.sensor_off[column])
        for place, kind in enumerate(self.kinds):
            for side in (0, 1):

                def name(at: int, kind: int = kind, side: int = side) -> str:
                    return rule_name(int(vital[at]), kind, side)

                wanted[place, side] &= ~self.suppression.paused(patient, now, name)

    def trend(
        self,
        column: int,
        kind: int,
        side: int,
        begins: bool,
        now: int,
        value: float,
        limit: float,
        detail: dict[str, object],
    ) -> Condition:
        """The condition of a trend that begins or ends."""
        vital = int(self.store.series.vital[column])
        table = self.limits_of(int(self.store.axis.owner[column]))
        priority = int(table.priority[kind, side, vital]) or Priority.LOW
        return self.condition(
            now=now,
            column=column,
            rule=rule_name(vital, kind, side),
            before=NONE if begins else priority,
            after=priority if begins else NONE,
            value=value,
            limit=limit or None,
            detail=detail,
        )

    def drop(self, partition: int, patients: Sequence[int]) -> None:
        self._tables.pop(partition, None)


def changes(was: Bools, wanted: Bools) -> Iterable[list[int]]:
    """The indices at which two arrays differ."""
    return np.argwhere(was != wanted).tolist()
