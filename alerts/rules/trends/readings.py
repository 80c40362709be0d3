"""Trends of single readings: "<vital>.gain/loss" within some hours, looked at when a reading comes and once a minute.

A gain counts from the lowest of the last readings (at most eight) within the given time before the newest one: +1 kg in 3 d
(TELBIL).  Such rules of thumb find 58-65 % of the events at 54-58 % false alerts (Zhang 2009): they are never of high
priority by default.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from alerts.rules.limits.bounds import SIGN
from alerts.rules.scheduled import Scheduled
from alerts.rules.suppression import Suppression
from alerts.rules.trends.trend_rule import Shown, TrendRule
from alerts.rules.trends.trend_table import CHANGE, TrendTable
from devices.sample import STEPS
from streams.engine.columns.arrays import Bools, Ints
from streams.engine.columns.axis import array
from streams.engine.series.newest import NEVER
from streams.engine.series.rollup import DUE
from streams.engine.series.sparse import SparseSeries
from streams.engine.stage import Moment, View


class ChangeState(Scheduled):
    """Per episodic series: ``active`` bool [side]."""

    active: Bools = array(np.bool_, lead=(2,))


class ReadingTrends(TrendRule):
    """``table``: :class:`ChangeState`."""

    kinds = (CHANGE,)
    store: SparseSeries
    table: ChangeState

    def __init__(self, suppression: Suppression) -> None:
        super().__init__(suppression, continuous=False)

    def attach(self, view: View) -> None:
        super().attach(view)
        self.table = ChangeState(self.store.axis, "trends")

    def changed(self, moment: Moment) -> tuple[Ints, Collection[int]]:
        return moment.sparse.series, moment.partitions[DUE[moment.partitions] == moment.now % 60].tolist()

    def judge(self, partition: int, table: TrendTable, column: Ints, was: Bools) -> tuple[Bools, Shown]:
        store, vital = self.store, self.store.series.vital[column]
        wanted, change = np.zeros_like(was), np.zeros((2, len(column)), np.int64)
        newest, value = store.newest.second[column], store.newest.value[column].astype(np.int64)
        second, kept = store.readings.second[:, column], (store.readings.cell[:, column] & 0x7FFF).astype(np.int64)
        for side, sign in enumerate(SIGN):
            there = (second > -NEVER) & (second <= newest) & (second >= newest - table.within[side, vital])
            base = np.where(there, kept * sign, NEVER).min(0)
            change[side] = np.where(there.any(0), value * sign - base, 0)
            by, back = table.by[side, vital], table.back[side, vital]
            wanted[0, side] = (by > 0) & (change[side] >= np.where(was[0, side], back, by))

        def shown(_kind: int, side: int, at: int) -> tuple[float, float, dict[str, object]]:
            code, steps = int(vital[at]), float(STEPS[vital[at]])
            detail = {"now": int(value[at]) / steps, "within_h": int(table.within[side, code]) // 3600}
            return SIGN[side] * int(change[side, at]) / steps, SIGN[side] * int(table.by[side, code]) / steps, {**detail}

        return wanted, shown
