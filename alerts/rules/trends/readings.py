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
from alerts.rules.trends.trend_rule import TrendRule, changes
from alerts.rules.trends.trend_table import CHANGE, TrendTable
from devices.sample import STEPS
from streams.engine.columns.arrays import Bools, Ints
from streams.engine.columns.axis import array
from streams.engine.condition import Condition
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

    def has_limits(self, table: TrendTable) -> bool:
        return table.readings

    def news(self, moment: Moment) -> tuple[Ints, Collection[int]]:
        return moment.sparse.series, moment.partitions[DUE[moment.partitions] == moment.now % 60].tolist()

    def decide(self, partition: int, table: TrendTable, column: Ints, now: int) -> list[Condition]:
        store, state = self.store, self.table
        vital, was = store.series.vital[column], state.active[:, column]
        wanted, change = np.zeros_like(was), np.zeros((2, len(column)), np.int64)
        newest, value = store.newest.second[column], store.newest.value[column].astype(np.int64)
        second, kept = store.readings.second[:, column], (store.readings.cell[:, column] & 0x7FFF).astype(np.int64)
        for side, sign in enumerate(SIGN):
            there = (second > -NEVER) & (second <= newest) & (second >= newest - table.within[side, vital])
            base = np.where(there, kept * sign, NEVER).min(0)
            change[side] = np.where(there.any(0), value * sign - base, 0)
            by, back = table.by[side, vital], table.back[side, vital]
            wanted[side] = (by > 0) & (change[side] >= np.where(was[side], back, by))
        self.mute(column, was[None], wanted[None], now)
        state.active[:, column] = wanted
        out = []
        for side, at in changes(was, wanted):
            which, code = int(column[at]), int(vital[at])
            steps = float(STEPS[code])
            detail: dict[str, object] = {"now": int(value[at]) / steps, "within_h": int(table.within[side, code]) // 3600}
            amount, limit = SIGN[side] * int(change[side, at]) / steps, SIGN[side] * int(table.by[side, code]) / steps
            out.append(self.trend(which, CHANGE, side, bool(wanted[side, at]), now, amount, limit, detail))
        return out
