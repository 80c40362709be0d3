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
from alerts.rules.rolling.figures import FIGURES, WINDOWS, Beyond, of_cells, of_hour, rule_name
from alerts.rules.rule import NONE, Rule
from alerts.rules.scheduled import Scheduled
from alerts.rules.suppression import Suppression
from devices.vitals import VITALS, Vital
from devices.wire.control import Control, Rolling, RuleSet
from streams.engine.columns.arrays import Ints, Small
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

    learns: Collection[type[Control]] = (RuleSet,)
    table: Levels

    def __init__(self, suppression: Suppression) -> None:
        super().__init__(suppression)
        self._rules: dict[int, dict[Place, Rolling]] = {}

    def attach(self, view: View) -> None:
        super().attach(view)
        self.table = Levels(view.layout.patients, "rolling limits")

    def learn(self, partition: int, patient: int, control: Control) -> None:
        if isinstance(control, RuleSet):
            self._rules[partition] = {_place(one): one for one in control.rolling if possible(one)}

    def evaluate(self, moment: Moment) -> Sequence[Condition]:
        axis, entered = self.table.axis, self.view.layout.dense.closed.entered
        if moment.replaying:  # looked at when time goes on
            for partition in entered:
                self.notify_at(0, axis.of(partition))
            return ()
        due, out = self.table.due(moment), list[Condition]()
        self.notify_at(NEVER, due)
        for partition in sorted({*entered, *axis.owner[due].tolist()}):
            rows = self.table.axis.of(partition)
            standing = set(zip(*np.nonzero(self.table.level[:, :, rows].any(-1)), strict=True))
            rules = self._rules.get(partition, {})
            for place in sorted({*rules, *((int(kind), int(code)) for kind, code in standing)}):
                out += self._decide(partition, place, rules.get(place), moment.now)
        return out

    def _decide(self, partition: int, place: Place, rule: Rolling | None, now: int) -> list[Condition]:
        """The conditions of one rule of a partition that change; ``None``: the rule is gone."""
        store = self.view.layout.dense
        kind, code = place
        columns = store.axis.of(partition)
        muted = self.suppression.muted(store)
        mine = np.isin(store.series.vital[columns], measuring([code])) & ~muted.superseded[columns]
        column = np.flatnonzero(mine & (store.newest.second[columns] > -NEVER)) + columns.start
        if not column.size:
            return []
        row = self.view.layout.patient_of(store, column)
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
        if rule.window_s == _HOUR:
            return of_hour(rule, store.closed.minutes, column)
        return of_cells(rule, store.ring.during(np.arange(now - rule.window_s, now), column))

    def drop(self, partition: int, patients: Sequence[int]) -> None:
        super().drop(partition, patients)
        self._rules.pop(partition, None)


def possible(rule: Rolling) -> bool:
    """Whether a rule names a continuous vital, and a figure that its window has: an hour has a mean alone."""
    known = rule.vital in VITALS and VITALS[Vital(rule.vital)].continuous and rule.window_s in WINDOWS
    return known and (rule.window_s < _HOUR or rule.figure == "mean")


def _place(rule: Rolling) -> Place:
    kind = SIDES.index(rule.side) * len(FIGURES) * len(_LENGTHS)
    kind += FIGURES.index(rule.figure) * len(_LENGTHS) + _LENGTHS.index(rule.window_s)
    return kind, int(PARAMETER[rule.vital])


def _parts(kind: int) -> tuple[int, int, int]:
    """Side, figure and window of a kind."""
    rest, window = divmod(kind, len(_LENGTHS))
    return (*divmod(rest, len(FIGURES)), window)
