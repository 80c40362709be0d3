"""Trends: "<vital>.drift_high/low" and "<vital>.rising/falling" of minute means, "<vital>.gain/loss" of single readings.

Minute means are looked at once a minute, when the minute closes (:mod:`streams.engine.series.closed`), each partition at its
own second; single readings when they come, and once a minute.  A trend ends when it is back inside by its hysteresis, when
the newest value is no longer valid or overruled by another device's, or when its rule is paused.  Where too few minutes are
there to say anything it stays as it is, until then.  None begins while the sensor is off.

A gain counts from the lowest of the last readings (at most eight) within the given time before the newest one: +1 kg in 3 d
(TELBIL).  Such rules of thumb find 58-65 % of the events at 54-58 % false alerts (Zhang 2009): they are never of high
priority by default.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import ClassVar, Final

import numpy as np

from alerts.rules.limits.bounds import SIGN
from alerts.rules.pausing import Pausing
from alerts.rules.silence.sensor_off import SensorOff
from alerts.rules.sources import Sources
from alerts.rules.trends.drift import LEVEL_BITS, TrendState, bound_of, learn, sigma_of
from alerts.rules.trends.half_slope import means, twice_median
from alerts.rules.trends.trend_table import CHANGE, DRIFT, FRACTION, SLOPE, TrendTable, rule_name
from devices.sample import STEPS
from devices.wire.control import Control, Pauses, RuleSet
from devices.wire.event import Event
from streams.engine.columns.arrays import NO_INTS, Bools, Bytes, Ints
from streams.engine.columns.axis import Columns, Field
from streams.engine.condition import Condition, Priority
from streams.engine.series.dense import DenseSeries
from streams.engine.series.newest import NEVER
from streams.engine.series.rollup import DUE
from streams.engine.series.sparse import SparseSeries
from streams.engine.stage import Arrival, Moment, View

_OFF: Final = TrendTable()
_POINT: Final = 1 << FRACTION


class ChangeState(Columns):
    """Per episodic series: ``active`` bool [side]; ``stir`` bool: to be looked at before the next minute."""

    FIELDS: ClassVar = {"active": Field(np.bool_, False, (2,)), "stir": Field(np.bool_, False)}
    active: Bools
    stir: Bools


class Trends:
    """A :class:`streams.engine.stage.Stage`; stands after ``sensors`` and ``sources``."""

    learns: Collection[type[Control]] = (RuleSet, Pauses)
    view: View

    def __init__(self, sensors: SensorOff, sources: Sources) -> None:
        self._sensors, self._sources = sensors, sources
        self._pausing = Pausing()
        self._paused: set[int] = set()
        self._tables: dict[int, TrendTable] = {}
        self._stirred: set[int] = set()

    def attach(self, view: View) -> None:
        self.view = view
        self.minutes = TrendState(view.layout.dense.axis, "trends")
        self.readings = ChangeState(view.layout.sparse.axis, "trends")

    def learn(self, partition: int, patient: int, control: Control) -> None:
        if isinstance(control, RuleSet):
            self._tables[partition] = TrendTable(control.trends)
        elif isinstance(control, Pauses):
            self._pausing.learn(patient, control)
            (self._paused.add if control.pauses else self._paused.discard)(patient)
        self._stirred.add(partition)

    def control(self, now: int, partition: int, patient: int, control: Control) -> None:
        if not isinstance(control, RuleSet | Pauses):
            return
        for store, state in ((self.view.layout.dense, self.minutes), (self.view.layout.sparse, self.readings)):
            columns = store.axis.of(partition)
            state.stir[columns] |= (store.series.patient[columns] == patient) if patient else True

    def event(self, now: int, patient: int, device: int, gateway: int, event: Event) -> None:
        """Events say nothing about values."""

    def arrive(self, arrival: Arrival) -> None:
        """The stores keep what arrived."""

    def set_back(self, partition: int, now: int) -> None:
        last = self.minutes.last[self.view.layout.dense.axis.of(partition)]
        np.minimum(last, now // 60, out=last)

    def evaluate(self, moment: Moment) -> list[Condition]:
        dense, sparse = self.view.stores
        out: list[Condition] = []
        for partition in self._concerned(moment):
            table = self._tables.get(partition, _OFF)
            minutes, readings = dense.axis.of(partition), sparse.axis.of(partition)
            closed = partition in dense.closed.entered
            if closed and table.minutes:
                self._learn(partition, table)
            fresh = moment.sparse.series
            fresh = fresh[(fresh >= readings.start) & (fresh < readings.stop)]
            if not moment.decide:  # what comes of age in a second passed over is looked at when time goes on
                self.readings.stir[fresh] = True
                self._stirred.add(partition)
                continue
            column = self._of(minutes, self.minutes.stir, closed and table.minutes)
            if column.size:
                out += self._decide_minutes(partition, table, column, moment.now)
            column = self._of(readings, self.readings.stir, bool(moment.now % 60 == DUE[partition]) and table.readings)
            if table.readings:
                column = np.union1d(column, fresh)
            if column.size:
                out += self._decide_readings(partition, table, column, moment.now)
            self._stirred.discard(partition)
        return out

    def _concerned(self, moment: Moment) -> list[int]:
        """The partitions in which there is something to do at this second."""
        found = set(moment.partitions[DUE[moment.partitions] == moment.now % 60].tolist())
        found.update(self.view.layout.dense.closed.entered, self._stirred.intersection(moment.partitions.tolist()))
        if moment.sparse.column.size:
            found.update(np.unique(self.view.layout.sparse.axis.owner[moment.sparse.column]).tolist())
        return sorted(found)

    @staticmethod
    def _of(columns: slice, stir: Bools, whole: bool) -> Ints:
        """The series to look at: all of a partition's, or those that were stirred."""
        mine = stir[columns]
        found = np.arange(columns.start, columns.stop) if whole else NO_INTS
        if mine.any():
            found = found if whole else np.flatnonzero(mine) + columns.start
            mine[:] = False
        return found

    def _learn(self, partition: int, table: TrendTable) -> None:
        """The minute that has just closed joins baselines and sums."""
        dense = self.view.layout.dense
        columns, minute = dense.axis.of(partition), int(dense.closed.minute[partition])
        column = np.arange(columns.start, columns.stop)
        mean, there = means(dense.closed.minutes, minute, 1, column)
        wanted = there[0] & (table.shift[dense.series.vital[columns]] > 0)
        column = column[wanted]
        if column.size:
            learn(self.minutes, table, column, dense.series.vital[column], mean[0, wanted], minute)

    def _decide_minutes(self, partition: int, table: TrendTable, column: Ints, now: int) -> list[Condition]:
        store, state = self.view.layout.dense, self.minutes
        vital, was = store.series.vital[column], state.active[:, :, column]
        fresh = self._fresh(store, partition, column, now)
        wanted = np.zeros_like(was)
        sigma = sigma_of(state, table, column, vital)
        for side in (0, 1):
            total, bound = state.sums[side, column], bound_of(table, side, vital, sigma)
            wanted[DRIFT, side] = (bound > 0) & ((total > bound) | was[DRIFT, side] & (total > bound >> 1))
        twice = np.zeros((2, len(column)), np.int64)
        for span in np.unique(table.span[:, vital]).tolist():
            if span:
                here = np.flatnonzero((table.span[:, vital] == span).any(0))
                newest = int(store.closed.minute[partition])
                median, known = twice_median(store.closed.minutes, newest, span, column[here])
                for side, sign in enumerate(SIGN):
                    mine, before = table.span[side, vital[here]] == span, was[SLOPE, side, here]
                    beyond = median * sign > np.where(before, table.clear[side, vital[here]], table.bound[side, vital[here]])
                    wanted[SLOPE, side, here] |= mine & np.where(known, beyond, before)
                    twice[side, here] = np.where(mine, median, twice[side, here])
        wanted &= fresh
        self._hush(store, column, vital, was, wanted, (DRIFT, SLOPE), now)
        state.active[:, :, column] = wanted
        out, detail = [], dict[str, object]()
        for kind, side, at in zip(*(part.tolist() for part in np.nonzero(was != wanted)), strict=True):
            which, code = int(column[at]), int(vital[at])
            steps = float(STEPS[code])
            if kind == DRIFT:
                value = float(int(state.mean[which]) / _POINT / steps)
                limit = float((int(state.level[which]) >> LEVEL_BITS) / steps)
                deviation = int(sigma[at])
                detail = {"deviation": deviation / _POINT / steps, "sum": int(state.sums[side, which]) / max(deviation, 1)}
            else:
                span = int(table.span[side, code]) or 60
                value = int(twice[side, at]) * 120 / (2 * _POINT * int(steps) * span)  # rounded once
                limit = SIGN[side] * float(table.per_hour[side, code])
                detail = {"window_min": span}
            begins = bool(wanted[kind, side, at])
            out.append(self._condition(store, which, kind, side, begins, table, now, value, limit, detail))
        return out

    def _decide_readings(self, partition: int, table: TrendTable, column: Ints, now: int) -> list[Condition]:
        store, state = self.view.layout.sparse, self.readings
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
        wanted &= self._fresh(store, partition, column, now)
        self._hush(store, column, vital, was[None], wanted[None], (CHANGE,), now)
        state.active[:, column] = wanted
        out = []
        for side, at in zip(*(part.tolist() for part in np.nonzero(was != wanted)), strict=True):
            which, code = int(column[at]), int(vital[at])
            steps = float(STEPS[code])
            of: dict[str, object] = {"now": int(value[at]) / steps, "within_h": int(table.within[side, code]) // 3600}
            amount, limit = SIGN[side] * int(change[side, at]) / steps, SIGN[side] * int(table.by[side, code]) / steps
            begins = bool(wanted[side, at])
            out.append(self._condition(store, which, CHANGE, side, begins, table, now, amount, limit, of))
        return out

    def _fresh(self, store: DenseSeries | SparseSeries, partition: int, column: Ints, now: int) -> Bools:
        running = now - int(self.view.timeline.stalled_s[partition])
        found: Bools = (store.newest.second[column] > -NEVER) & (store.newest.expires[column] > running)
        return found & ~self._sources.standing(store).overruled[column]

    def _hush(
        self,
        store: DenseSeries | SparseSeries,
        column: Ints,
        vital: Bytes,
        was: Bools,
        wanted: Bools,
        kinds: Iterable[int],
        now: int,
    ) -> None:
        """Take back what is paused, or would begin while the sensor is off (``was`` and ``wanted`` [kind, side, n])."""
        paused = np.isin(store.series.patient[column], list(self._paused))
        for place, kind in enumerate(kinds):
            sides, places = np.nonzero(wanted[place] & (paused | ~was[place]))
            for side, at in zip(sides.tolist(), places.tolist(), strict=True):
                patient, device = int(store.series.patient[column[at]]), int(store.series.device[column[at]])
                quiet = self._pausing.until(patient, rule_name(int(vital[at]), kind, side)) > now
                sender = self.view.layout.senders.at(patient, device)
                off = not was[place, side, at] and bool(self._sensors.contacts.active[sender])
                wanted[place, side, at] = not quiet and not off

    def _condition(
        self,
        store: DenseSeries | SparseSeries,
        column: int,
        kind: int,
        side: int,
        begins: bool,
        table: TrendTable,
        now: int,
        value: float,
        limit: float,
        detail: dict[str, object],
    ) -> Condition:
        series, newest = store.series, store.newest
        code = int(series.vital[column])
        return Condition(
            int(store.axis.owner[column]),
            now,
            int(series.patient[column]),
            rule_name(code, kind, side),
            int(series.device[column]),
            "onset" if begins else "end",
            Priority(int(table.priority[kind, side, code]) or Priority.LOW),
            "physiological",
            vital=code,
            value=value,
            limit=limit or None,
            measured=int(newest.second[column]) * 1000 + int(newest.ms[column]),
            detail=detail | self._sources.standing(store).detail(column),
        )

    def drop(self, partition: int, patients: Sequence[int]) -> None:
        self._pausing.drop(patients)
        self._paused.difference_update(patients)
        self._tables.pop(partition, None)
        self._stirred.discard(partition)
