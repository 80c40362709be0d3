"""Trends of minute means: "<vital>.drift_high/low", "<vital>.rising/falling" and "<vital>.repeatedly_high/low".

They are looked at once a minute, when the minute closes (:mod:`streams.engine.series.closed`), each partition at its own
second.  Where too few minutes are there to say anything a trend stays as it is.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import numpy as np

from alerts.rules.limits.bounds import SIGN
from alerts.rules.suppression import Suppression
from alerts.rules.trends.drift import LEVEL_BITS, TrendState, bound_of, learn, sigma_of
from alerts.rules.trends.half_slope import means, twice_median
from alerts.rules.trends.trend_rule import Shown, TrendRule
from alerts.rules.trends.trend_table import DRIFT, FRACTION, REPEATED, SLOPE, TrendTable
from devices.sample import STEPS
from streams.engine.columns.arrays import NO_INTS, Bools, Ints
from streams.engine.series.dense import DenseSeries
from streams.engine.stage import Moment, View

_POINT: Final = 1 << FRACTION
_REPEATED: Final = 2
"""Its place in ``kinds``."""


class MinuteTrends(TrendRule):
    """``table``: :class:`alerts.rules.trends.drift.TrendState`."""

    kinds = (DRIFT, SLOPE, REPEATED)
    store: DenseSeries
    table: TrendState

    def __init__(self, suppression: Suppression) -> None:
        super().__init__(suppression, continuous=True)

    def attach(self, view: View) -> None:
        super().attach(view)
        self.table = TrendState(self.store.axis, "trends")

    def set_back(self, partition: int, now: int) -> None:
        last = self.table.last[self.store.axis.of(partition)]
        np.minimum(last, now // 60, out=last)

    def changed(self, moment: Moment) -> tuple[Ints, Collection[int]]:
        closed = self.store.closed.entered
        for partition in closed:
            columns = self.store.axis.of(partition)
            for table, column in self.groups(np.arange(columns.start, columns.stop)) if columns.stop > columns.start else ():
                if DRIFT in table.kinds:
                    self._learn(partition, table, column)
        return NO_INTS, closed

    def _learn(self, partition: int, table: TrendTable, column: Ints) -> None:
        """The minute that has just closed joins baselines and sums of some series."""
        minute = int(self.store.closed.minute[partition])
        column = column[table.shift[self.store.series.vital[column]] > 0]
        if column.size:
            mean, there = means(self.store.closed.minutes, minute, 1, column)
            column, mean = column[there[0]], mean[0, there[0]]
            learn(self.table, table, column, self.store.series.vital[column], mean, minute)

    def judge(self, partition: int, table: TrendTable, column: Ints, was: Bools) -> tuple[Bools, Shown]:
        state, vital = self.table, self.store.series.vital[column]
        wanted, sigma = np.zeros_like(was), sigma_of(state, table, column, vital)
        for side in (0, 1):
            total, bound = state.sums[side, column], bound_of(table, side, vital, sigma)
            wanted[DRIFT, side] = (bound > 0) & ((total > bound) | was[DRIFT, side] & (total > bound >> 1))
        twice = self._slopes(partition, table, column, was[SLOPE], wanted[SLOPE])
        last = self._repeated(partition, table, column, was[_REPEATED], wanted[_REPEATED])

        def shown(kind: int, side: int, at: int) -> tuple[float, float, dict[str, object]]:
            which, code, steps = int(column[at]), int(vital[at]), int(STEPS[vital[at]])
            if kind == DRIFT:
                deviation = int(sigma[at])
                detail = {"deviation": deviation / _POINT / steps, "sum": int(state.sums[side, which]) / max(deviation, 1)}
                return int(state.mean[which]) / _POINT / steps, (int(state.level[which]) >> LEVEL_BITS) / steps, {**detail}
            if kind == REPEATED:
                limit = SIGN[side] * int(table.repeated[side, code]) / _POINT / steps if table.times[side, code] else 0.0
                of = {"times": int(table.times[side, code]), "of": int(table.of[side, code])}
                return int(last[at]) / _POINT / steps, limit, {**of}
            span = int(table.span[side, code]) or 60
            value = int(twice[side, at]) * 120 / (2 * _POINT * steps * span)  # rounded once
            return value, SIGN[side] * float(table.per_hour[side, code]), {"window_min": span}

        return wanted, shown

    def _repeated(self, partition: int, table: TrendTable, column: Ints, was: Bools, wanted: Bools) -> Ints:
        """Put into ``wanted`` bool [side, n] which series were beyond often enough; the last minute's means int64 [n]."""
        closed, vital = self.store.closed, self.store.series.vital[column]
        longest = int(table.of[:, vital].max(initial=0))
        if not longest:
            return np.zeros(len(column), np.int64)
        mean, there = means(closed.minutes, int(closed.minute[partition]) - longest + 1, longest, column)
        back = np.arange(longest)[::-1, None]
        for side, sign in enumerate(SIGN):
            edge = np.where(was[side], table.repeated_clear[side, vital], table.repeated[side, vital])
            beyond = there & (mean * sign > edge) & (back < table.of[side, vital])
            enough = beyond.sum(0) >= table.times[side, vital]
            judged = np.where(there[-1], enough & (was[side] | beyond[-1]), was[side])  # silence ends nothing
            wanted[side] = (table.times[side, vital] > 0) & judged
        last: Ints = mean[-1]
        return last

    def _slopes(self, partition: int, table: TrendTable, column: Ints, was: Bools, wanted: Bools) -> Ints:
        """Put into ``wanted`` bool [side, n] which slopes are beyond; twice the median differences int64 [side, n]."""
        closed, vital = self.store.closed, self.store.series.vital[column]
        twice = np.zeros((2, len(column)), np.int64)
        for span in np.unique(table.span[:, vital]).tolist():
            if span:
                here = np.flatnonzero((table.span[:, vital] == span).any(0))
                median, known = twice_median(closed.minutes, int(closed.minute[partition]), span, column[here])
                for side, sign in enumerate(SIGN):
                    mine, before = table.span[side, vital[here]] == span, was[side, here]
                    beyond = median * sign > np.where(before, table.clear[side, vital[here]], table.bound[side, vital[here]])
                    wanted[side, here] |= mine & np.where(known, beyond, before)
                    twice[side, here] = np.where(mine, median, twice[side, here])
        return twice
