"""Trends of single readings, looked at when a reading comes and once a minute.

- "<vital>.gain/loss": a gain counts from the lowest of the last readings (at most eight) within the given time before the
  newest one: +1 kg in 3 d (TELBIL).  Such rules of thumb find 58-65 % of the events at 54-58 % false alerts (Zhang 2009):
  they are never of high priority by default.
- "<vital>.repeatedly_high/low": beyond a limit several times of the last few.
- "<vital>.rising_fast/falling_fast" and "<vital>.soon_high/soon_low": by the change over the last minutes.
- "<vital>.rising_for_days/falling_for_days": a steady rise over days or weeks (:mod:`alerts.rules.trends.days`).

Gains and steady rises end when the value is back at where it began, not because it stays where it has come to; or by a
decision: they count from the patient's dry weight where that is nearer (``Facts.dry_weight``).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import numpy as np

from alerts.rules.limits.bounds import SIGN
from alerts.rules.scheduled import Scheduled
from alerts.rules.suppression import Suppression
from alerts.rules.trends import trend_table
from alerts.rules.trends.days import DayValues, rising
from alerts.rules.trends.rates import Speed, change_over
from alerts.rules.trends.trend_rule import Shown, TrendRule
from alerts.rules.trends.trend_table import CHANGE, MICRO, OFF, RATE, REPEATED, SOON, STEADY, TrendTable
from devices.sample import STEPS
from devices.vitals import VITALS, Vital
from devices.wire.control import Control, Facts
from streams.engine.columns.arrays import Bools, Bytes, Cells, Ints
from streams.engine.columns.axis import array
from streams.engine.series.newest import NEVER
from streams.engine.series.rollup import DUE
from streams.engine.series.series_store import SeriesStore
from streams.engine.series.sparse import KEPT, SparseSeries
from streams.engine.stage import Moment, View

_NONE: Final = -1
_KINDS: Final = (CHANGE, REPEATED, RATE, SOON, STEADY)
_CHANGE, _REPEATED, _RATE, _SOON, _STEADY = range(len(_KINDS))
_SIGNS: Final = np.array(SIGN, np.int64)[:, None]


class ReadingState(Scheduled):
    """Per episodic series: ``active`` bool [kind, side]; ``start`` int32 [2, side]: where a gain, and a steady rise, that
    stands began; ``dry`` int32: the dry weight, -1: not known.
    """

    active: Bools = array(np.bool_, lead=(len(_KINDS), 2))
    start: Cells = array(np.int32, lead=(2, 2))
    dry: Cells = array(np.int32, _NONE)


class ReadingTrends(TrendRule):
    """``table``: :class:`ReadingState`; ``days``: :class:`alerts.rules.trends.days.DayValues`."""

    learns: Collection[type[Control]] = (Facts,)
    kinds = _KINDS
    store: SparseSeries
    table: ReadingState

    def __init__(self, suppression: Suppression) -> None:
        super().__init__(suppression, continuous=False)
        self._dry: dict[int, int] = {}

    def attach(self, view: View) -> None:
        super().attach(view)
        self.table = ReadingState(self.store.axis, "trends")
        self.days = DayValues(self.store.axis, "days")
        view.layout.on_series(self._series_appeared)

    def _series_appeared(self, store: SeriesStore, columns: Ints) -> None:
        if store is self.store and self._dry:
            self._set_dry(columns)

    def learn(self, partition: int, patient: int, control: Control) -> None:
        if isinstance(control, Facts):
            self._dry.pop(patient, None)
            if control.dry_weight is not None:
                self._dry[patient] = round(control.dry_weight * VITALS[Vital.WEIGHT].steps)

    def control(self, now: int, partition: int, patient: int, control: Control) -> None:
        super().control(now, partition, patient, control)
        if isinstance(control, Facts):
            of = self.store.axis.of(partition)
            self._set_dry(np.flatnonzero(self.store.series.patient[of] == patient) + of.start)

    def _set_dry(self, columns: Ints) -> None:
        series = self.store.series
        for one in columns[series.vital[columns] == Vital.WEIGHT].tolist():
            self.table.dry[one] = self._dry.get(int(series.patient[one]), _NONE)

    def set_back(self, partition: int, now: int) -> None:
        self.days.set_back(self.store.axis.of(partition), now, self.store.readings)

    def changed(self, moment: Moment) -> tuple[Ints, Collection[int]]:
        updates = moment.sparse
        if updates.column.size:
            self.days.join(updates.column, updates.second, updates.value)
        return updates.series, moment.partitions[DUE[moment.partitions] == moment.now % 60].tolist()

    def judge(self, partition: int, table: TrendTable, column: Ints, was: Bools) -> tuple[Bools, Shown]:
        store, vital = self.store, self.store.series.vital[column]
        wanted, figures = np.zeros_like(was), np.zeros((len(_KINDS), 2, len(column)))
        newest, value = store.newest.second[column], store.newest.value[column].astype(np.int64)
        second, kept = store.readings.second[:, column], (store.readings.cell[:, column] & 0x7FFF).astype(np.int64)
        dry = self.table.dry[column].astype(np.int64)
        least = np.where(dry >= 0, dry * _SIGNS, -NEVER)
        for side, sign in enumerate(SIGN):
            signed, by = value * sign, table.by[side, vital]
            there = (second > -NEVER) & (second <= newest) & (second >= newest - table.within[side, vital])
            lowest = np.where(there, kept * sign, NEVER).min(0)
            base = np.where(was[_CHANGE, side], self.table.start[0, side, column] * sign, lowest)
            change = np.where(there.any(0), signed - np.maximum(base, least[side]), 0)
            wanted[_CHANGE, side] = (by > 0) & (change >= np.where(was[_CHANGE, side], table.back[side, vital], by))
            self.table.start[0, side, column] = np.where(wanted[_CHANGE, side], base * sign, 0)
            figures[_CHANGE, side] = change * sign
            if REPEATED in table.kinds:
                wanted[_REPEATED, side] = _repeated(table, side, vital, second, kept * sign, newest, was[_REPEATED, side])
            if STEADY in table.kinds:
                self._steady(table, side, column, signed - least[side], was[_STEADY, side], wanted, figures)
            for kind, of in ((_RATE, RATE), (_SOON, SOON)):
                if of in table.kinds:
                    speed = change_over(second, kept, newest, table.over[kind - _RATE, side, vital])
                    fast = _fast if kind == _RATE else _soon
                    wanted[kind, side] = speed.known & fast(table, side, vital, speed, signed, was[kind, side])
                    figures[kind, side] = speed.change / speed.seconds * 60

        def shown(kind: int, side: int, at: int) -> tuple[float, float, dict[str, object]]:
            place, code, steps = _KINDS.index(kind), int(vital[at]), float(STEPS[vital[at]])
            figure, now = float(figures[place, side, at]) / steps, int(value[at]) / steps
            match kind:
                case trend_table.CHANGE:
                    detail = {"now": now, "within_h": int(table.within[side, code]) // 3600}
                    return figure, SIGN[side] * int(table.by[side, code]) / steps, {**detail}
                case trend_table.REPEATED:
                    of = {"times": int(table.times[side, code]), "of": int(table.of[side, code])}
                    return now, _edge(table.repeated[side, code], 256 * steps, side), {**of}
                case trend_table.RATE:
                    return figure, _edge(table.rate[side, code], MICRO * steps, 0), {"now": now}
                case trend_table.SOON:
                    ahead = {"per_min": figure, "ahead_min": int(table.ahead[side, code]) // 60}
                    return now, _edge(table.soon[side, code], MICRO * steps, side), {**ahead}
            start = int(self.table.start[1, side, column[at]]) / steps
            days = {"now": now, "days": int(table.days[side, code]), "start": start}
            return figure, _edge(table.steady[side, code], MICRO * steps, 0), {**days}

        return wanted, shown

    def _steady(
        self, table: TrendTable, side: int, column: Ints, over_dry: Ints, was: Bools, wanted: Bools, figures: np.ndarray
    ) -> None:
        """Put steady rises of one ``side`` and their figures in their places; ``over_dry``: above the dry weight, signed."""
        sign, vital = SIGN[side], self.store.series.vital[column]
        signed, start = self.store.newest.value[column].astype(np.int64) * sign, self.table.start[1, side, column] * sign
        for days in np.unique(table.days[side, vital]).tolist():
            if not days:
                continue
            here = np.flatnonzero(table.days[side, vital] == days)
            value, there = self.days.values(column[here], days)
            twice, first, known = rising(value * sign, there)
            figures[_STEADY, side, here] = twice * sign / days
            begins = known & (twice * MICRO >= table.steady[side, vital[here]] * days)
            start[here] = np.where(was[here], start[here], first)
            back = table.steady_back[side, vital[here]]
            away = (signed[here] - start[here] > back) & (over_dry[here] > back)
            wanted[_STEADY, side, here] = (was[here] | begins) & away
        self.table.start[1, side, column] = np.where(wanted[_STEADY, side], start * sign, 0)


def _repeated(table: TrendTable, side: int, vital: Bytes, second: Ints, signed: Ints, newest: Ints, was: Bools) -> Bools:
    edge = np.where(was, table.repeated_clear[side, vital], table.repeated[side, vital])
    recent = np.arange(KEPT)[:, None] >= KEPT - table.of[side, vital]
    counts = recent & (second > -NEVER) & (second >= newest - table.repeated_s[side, vital])
    beyond = counts & (signed * 256 > edge)
    found: Bools = (table.times[side, vital] > 0) & (beyond.sum(0) >= table.times[side, vital]) & (was | beyond[-1])
    return found


def _fast(table: TrendTable, side: int, vital: Bytes, speed: Speed, signed: Ints, was: Bools) -> Bools:
    edge = np.where(was, table.rate_clear[side, vital], table.rate[side, vital])
    edge = np.where(edge >= OFF, 0, edge)
    fast = speed.change * SIGN[side] * 60 * MICRO > edge * speed.seconds
    found: Bools = fast & (signed > table.rate_from[side, vital]) & (table.rate[side, vital] < OFF)
    return found


def _soon(table: TrendTable, side: int, vital: Bytes, speed: Speed, signed: Ints, was: Bools) -> Bools:
    edge = np.where(was, table.soon_clear[side, vital], table.soon[side, vital])
    on = table.soon[side, vital] < OFF
    edge = np.where(on, edge, 0)
    then = signed * speed.seconds + speed.change * SIGN[side] * table.ahead[side, vital]
    found: Bools = on & (speed.change * SIGN[side] > 0) & (then * MICRO > edge * speed.seconds)
    return found


def _edge(edge: int, parts: float, side: int) -> float:
    """An edge as people wrote it; 0 where it is off."""
    return 0.0 if abs(int(edge)) >= OFF else SIGN[side] * int(edge) / parts
