"""Limits on rolling figures: "<parameter>.high_mean_5min", "<parameter>.low_share_1min" and so on, of each patient.

They are looked at once a minute, when the partition's minute closes, of the source that decides
(:mod:`alerts.rules.sources`). A condition begins when the figure of at least ``least`` values is beyond its limit, and
ends when it is back inside by the hysteresis, or the rule is paused or gone: never because values are few.  None begins
while the sensor is off.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from alerts.rules.agreement import sources_of
from alerts.rules.limits.bounds import SIDES
from alerts.rules.parameters import PARAMETER, measuring
from alerts.rules.rolling.figures import FIGURES, WINDOWS, Beyond, of_cells, of_slots, rule_name
from alerts.rules.rolling.hours import HourSums
from alerts.rules.rule import NONE, Rule
from alerts.rules.scheduled import Scheduled
from devices.vitals import VITALS, Vital
from devices.wire.control import Control, Rolling
from streams.engine.columns.arrays import Bools, Ints, Small
from streams.engine.columns.axis import array
from streams.engine.condition import Condition, Priority
from streams.engine.series.newest import NEVER
from streams.engine.stage import Moment, View

_CODES: Final = max(VITALS) + 1
_LENGTHS: Final = tuple(WINDOWS)
_HOUR: Final = 3600
_KINDS: Final = len(SIDES) * len(FIGURES) * len(_LENGTHS)
Place = tuple[int, int]
"""(kind, parameter): where the level of a rule is kept."""


class Levels(Scheduled):
    """Per patient, [kind, parameter code]: ``level`` int8, the priority of the condition that stands, or 0."""

    level: Small = array(np.int8, lead=(_KINDS, _CODES))


class RollingLimits(Rule):
    """``table``: :class:`Levels`."""

    learns: Collection[type[Control]] = ()
    quiet = True
    table: Levels

    def attach(self, view: View) -> None:
        super().attach(view)
        self.table = Levels(view.layout.patients, "rolling limits")
        self.hours = HourSums(view.layout.dense.axis, "hours")

    def set_back(self, partition: int, now: int) -> None:
        self.hours.set_back(self.view.layout.dense.closed, partition)

    def evaluate(self, moment: Moment) -> Sequence[Condition]:
        axis, closed = self.table.axis, self.view.layout.dense.closed
        rules = {partition: self._rules_of(partition) for partition in closed.entered}
        for partition in closed.entered:
            if any(one.window_s > _HOUR for each in rules[partition].values() for one, _ in each):
                self.hours.enter(closed, partition)
        if moment.replaying:  # looked at when time goes on
            for partition in closed.entered:
                self.notify_at(0, axis.of(partition))
            return ()
        due, out = self.table.due(moment), list[Condition]()
        self.notify_at(NEVER, due)
        for partition in sorted({*closed.entered, *axis.owner[due].tolist()}):
            found = rules[partition] if partition in rules else self._rules_of(partition)
            standing = zip(*np.nonzero(self.table.level[:, :, axis.of(partition)].any(-1)), strict=True)
            for place in sorted({*found, *((int(kind), int(code)) for kind, code in standing)}):
                out += self._decide_all(partition, place, found.get(place, []), moment.now)
        return out

    def _rules_of(self, partition: int) -> dict[Place, list[tuple[Rolling, Bools]]]:
        """The rules of a partition by place, each with the patients who have it, bool [rows of the partition]."""
        rows = np.arange(self.table.axis.of(partition).start, self.table.axis.of(partition).stop)
        found: dict[Place, dict[Rolling, Bools]] = {}
        for rules, at in self.suppression.chosen.groups(rows) if rows.size else ():
            for place, one in {_place(one): one for one in rules.rolling if possible(one)}.items():
                found.setdefault(place, {}).setdefault(one, np.zeros(len(rows), np.bool_))[at] = True
        return {place: list(each.items()) for place, each in found.items()}

    def _decide_all(self, partition: int, place: Place, rules: Sequence[tuple[Rolling, Bools]], now: int) -> list[Condition]:
        """The conditions of one place that change, each patient by the rule that they have."""
        store, (kind, code) = self.view.layout.dense, place
        columns = store.axis.of(partition)
        muted = self.suppression.muted(store)
        mine = np.isin(store.series.vital[columns], measuring([code])) & ~muted.superseded[columns]
        column = np.flatnonzero(mine & (store.newest.second[columns] > -NEVER)) + columns.start
        if not column.size:
            return []
        row = self.view.layout.patient_of(store, column)
        within, left, out = row - self.table.axis.start[partition], np.ones(len(column), np.bool_), list[Condition]()
        for rule, has in rules:
            here = has[within]
            left &= ~here
            if here.any():
                out += self._decide(partition, place, rule, column[here], now)
        left &= self.table.level[kind, code, row] > NONE
        return out + (self._decide(partition, place, None, column[left], now) if left.any() else [])

    def _decide(self, partition: int, place: Place, rule: Rolling | None, column: Ints, now: int) -> list[Condition]:
        """The conditions of some series that change; ``None``: the rule is gone."""
        store, (kind, code) = self.view.layout.dense, place
        muted, row = self.suppression.muted(store), self.view.layout.patient_of(store, column)
        before = self.table.level[kind, code, row]
        found = None if rule is None else self._beyond(rule, partition, column, now)
        wanted = np.zeros(len(column), np.bool_)
        name = rule_name(code, *_parts(kind))
        if found is not None and rule is not None:
            few, off = found.n < rule.least, muted.sensor_off[column]
            wanted = (found.begins & ~few & ~off) | ((before > NONE) & (found.stays | few))
            wanted &= ~muted.unworn[column] & ~self.suppression.paused(store.series.patient[column], now, name)
        priority = Priority.LOW if rule is None else Priority.of(rule.priority)
        after = np.where(wanted, np.where(before > NONE, before, priority), NONE)
        self.table.level[kind, code, row] = after
        out = []
        for at in np.flatnonzero(before != after).tolist():
            one = int(column[at])
            detail = sources_of(self.view, self.suppression, store, one) | {"window_s": _LENGTHS[_parts(kind)[2]]}
            shown = None if found is None or not found.n[at] else float(found.figure[at])
            if rule is not None and rule.figure == "share":
                detail, shown = detail | {"share": shown}, None
            condition = self.condition(
                now=now,
                column=int(row[at]),
                rule=rule_name(code, *_parts(kind)),
                before=int(before[at]),
                after=int(after[at]),
                vital=int(store.series.vital[one]),
                value=shown,
                limit=None if rule is None else rule.limit,
                measured=int(store.newest.second[one]) * 1000 + int(store.newest.ms[one]),
                detail=detail,
            )
            out.append(replace(condition, source=0))
        return out

    def _beyond(self, rule: Rolling, partition: int, column: Ints, now: int) -> Beyond:
        store = self.view.layout.dense
        closed = store.closed
        if rule.window_s > _HOUR:
            newest = int(closed.minute[partition]) // 60
            return of_slots(rule, *self.hours.window(rule.window_s // _HOUR, newest, column))
        if rule.window_s == _HOUR:
            minutes = closed.minutes
            return of_slots(rule, minutes.n[:, column].astype(np.int64), minutes.sum[:, column].astype(np.int64))
        return of_cells(rule, store.ring.during(np.arange(now - rule.window_s, now), column))


def possible(rule: Rolling) -> bool:
    """True if a rule names a continuous vital."""
    return rule.vital in VITALS and VITALS[Vital(rule.vital)].continuous and rule.window_s in WINDOWS


def _place(rule: Rolling) -> Place:
    kind = SIDES.index(rule.side) * len(FIGURES) * len(_LENGTHS)
    kind += FIGURES.index(rule.figure) * len(_LENGTHS) + _LENGTHS.index(rule.window_s)
    return kind, int(PARAMETER[rule.vital])


def _parts(kind: int) -> tuple[int, int, int]:
    """Side, figure and window of a kind."""
    rest, window = divmod(kind, len(_LENGTHS))
    return (*divmod(rest, len(FIGURES)), window)
