"""Limits: "<vital>.high" and "<vital>.low" of each series, in two levels, with hold and hysteresis.

At second T the newest value by measured time counts.  A level begins, if that value is still valid, once the run beyond it
(:mod:`alerts.rules.limits.runs`) has lasted its hold in measured time; a value of a device that reports rarely or by hand
begins it at once.  It ends when the newest value is back inside by the hysteresis, another device decides, or the rule is
paused: never because values stopped or cannot be used (:mod:`alerts.rules.silence.no_value` says that they did).  A late
sample inside the store has the run read again.  Nothing begins while the sensor is off.  An episode that began and ended
before anybody could be told makes one low onset and end, ``detail`` {"late": true, "from", "to" (s)}.

The rule looks only at series that can change: a sample inside the limits of its series is merely remembered.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final

import numpy as np

from alerts.rules.limits.bounds import HIGH, LOW, MEDIUM, NO_LIMIT, SEVERE, SIDES, SIGN, Bounds, Table, table_of
from alerts.rules.limits.runs import Episode, beyond_limits, follow
from alerts.rules.rule import NONE
from alerts.rules.series_rule import SeriesRule
from alerts.rules.suppression import Suppression
from devices.sample import STEPS
from devices.vitals import VITALS, Vital
from devices.wire.control import Control, Enrolment, Limits, RuleSet
from streams.engine.columns.arrays import NO_INTS, Bools, Cells, Ints
from streams.engine.condition import Condition, Priority
from streams.engine.series.newest import NEVER
from streams.engine.series.series_store import SeriesStore
from streams.engine.series.updates import Updates
from streams.engine.stage import Moment, View

_LEVEL: Final = {Priority.MEDIUM: MEDIUM, Priority.HIGH: SEVERE}
_NO_TABLE: Final = Table(())


def rule_name(vital: int, side: int) -> str:
    """The rule of a vital's side, like "spo2.low"."""
    return f"{VITALS[Vital(vital)].column}.{SIDES[side]}"


class LimitRules(SeriesRule):
    """``table``: :class:`alerts.rules.limits.bounds.Bounds`."""

    learns: Collection[type[Control]] = (RuleSet, Limits)
    parameters = ("hold_percent",)
    table: Bounds

    def __init__(self, suppression: Suppression, *, continuous: bool) -> None:
        super().__init__(suppression, continuous=continuous)
        self._rules: dict[int, Table] = {}
        self._own: dict[int, Table] = {}

    def attach(self, view: View) -> None:
        super().attach(view)
        self.table = Bounds(self.store.axis)
        view.layout.on_series(self._series_appeared)

    def _series_appeared(self, store: SeriesStore, columns: Ints) -> None:
        if store is self.store:
            self._configure(columns)

    def learn(self, partition: int, patient: int, control: Control) -> None:
        super().learn(partition, patient, control)
        if isinstance(control, RuleSet):
            self._rules[partition] = table_of(control.limits)
        elif isinstance(control, Limits):
            self._own[patient] = table_of(control.limits)

    def control(self, now: int, partition: int, patient: int, control: Control) -> None:
        if not isinstance(control, RuleSet | Limits | Enrolment):
            return
        of = self.store.axis.of(partition)
        columns = np.arange(of.start, of.stop)
        if patient:
            columns = columns[self.store.series.patient[of] == patient]
        if columns.size:
            self._configure(columns)
            if not isinstance(control, Enrolment):
                self.table.invalidate(columns)
            self.notify_at(0, columns)

    def _configure(self, columns: Ints) -> None:
        """Put the limits that hold for some series of one or more partitions, and what is known of their devices."""
        series, owner = self.store.series, self.store.axis.owner[columns]
        patients = series.patient[columns]
        for partition in np.unique(owner).tolist():
            rules, mine = self._rules.get(partition, _NO_TABLE), owner == partition
            self._put(columns[mine], rules)
            for patient in np.unique(patients[mine]).tolist():
                if patient in self._own:
                    self._put(columns[mine & (patients == patient)], rules.over(self._own[patient]))
        self.table.percent[columns] = np.clip(self.parameter["hold_percent"][owner], 1, 100)
        layout = self.view.layout
        self.table.set_device(columns, layout.where.interval[layout.senders_of(self.store, columns)])

    def _put(self, columns: Ints, table: Table) -> None:
        vital = self.store.series.vital[columns]
        for field in ("limit", "clear", "hold"):
            getattr(self.table, field)[:, :, columns] = getattr(table, field)[:, :, vital]

    def set_back(self, partition: int, now: int) -> None:
        for times in (self.table.since, self.table.last, self.table.reported_until):
            mine = times[..., self.store.axis.of(partition)]
            np.minimum(mine, now, out=mine)

    def evaluate(self, moment: Moment) -> Sequence[Condition]:
        updates = self.updates(moment)
        touched, episodes = self._follow(updates, self._take_reread(moment, updates), moment.now)
        if moment.replaying:
            return ()
        out = self._report(episodes, moment.now) if episodes else []
        column = self.due(moment, touched, self.suppression.changed(self.store))
        return out + self._decide(column, moment.now) if column.size else out

    def _take_reread(self, moment: Moment, updates: Updates) -> Ints:
        """The series whose limits have changed and that have something to be read again."""
        columns, mask = self.store.axis.span(moment.partitions, moment.member)
        reread = self.table.reread[columns] if mask is None else self.table.reread[columns] & mask
        if not reread.any():
            return NO_INTS
        found = np.flatnonzero(reread) + columns.start
        self.table.reread[found] = False
        new = updates.column[updates.before == -NEVER]
        known: Ints = found[(self.store.newest.second[found] > -NEVER) & ~np.isin(found, new)]
        return known

    def _follow(self, updates: Updates, reread: Ints, now: int) -> tuple[Ints, list[Episode]]:
        """Carry the runs on; the series to decide (perhaps twice), and episodes that came and went."""
        again = np.union1d(updates.late, reread) if reread.size else updates.late
        column, value, inside = updates.column, updates.value, self.table.inside_limits
        outside = (value < inside[0, column]) | (value > inside[1, column])
        if not updates.alone:  # samples that follow one beyond may end a run
            group = np.cumsum(np.append(False, column[1:] != column[:-1])) * 2
            outside = np.maximum.accumulate(group + outside) > group
        episodes: list[Episode] = []
        if again.size:
            marked = np.zeros(self.store.axis.width, np.bool_)
            marked[again] = True
            outside &= ~marked[column]
            episodes = self._read_again(updates, again, reread, now)
        at = np.flatnonzero(outside)
        if at.size:
            before = updates.before[at]
            if not updates.alone:
                same = (at > 0) & (column[at - 1] == column[at])
                before = np.where(same, updates.second[at - 1], before)
            episodes += follow(self.table, column[at], updates.second[at], value[at], before)
        return np.concatenate((again, column[at])), episodes

    def _read_again(self, updates: Updates, again: Ints, reread: Ints, now: int) -> list[Episode]:
        """Read the runs of some series again from all that the store remembers.  A run from before that goes on, unless the
        limits changed: then it is what can still be seen of it.
        """
        table, newest = self.table, self.store.newest
        table.since[:, :, reread] = table.last[:, :, reread] = np.maximum(newest.second[reread], 0)
        table.last_value[:, :, reread] = newest.value[reread]
        table.credit[:, :, reread] = np.where(beyond_limits(table, reread, newest.value[reread]), 1, 0)
        table.at_once[:, :, reread] = table.by_hand[reread]
        table.reported_until[:, reread] = newest.second[reread]
        position, second, value = self.store.history(again, now)
        if not position.size:
            return []
        column, first = again[position], np.append(True, position[1:] != position[:-1])
        before = np.append(-NEVER, second[:-1])
        before[first] = -NEVER
        begin, start = column[first], second[first]
        goes_on = (table.credit[:, :, begin] > 0) & (table.since[:, :, begin] < start) & ~np.isin(begin, reread)
        table.credit[:, :, begin] = np.where(goes_on, table.most(begin), 0)
        table.last[:, :, begin] = -NEVER
        before[np.flatnonzero(first)[goes_on.any((0, 1))]] = NEVER
        return follow(table, column, second, value, before)

    def _decide(self, column: Ints, now: int) -> list[Condition]:
        """The conditions of some series (int64, unique) that change at second ``now``."""
        column, paused = self._outside(column, now)
        if not column.size:
            return []
        table, newest, value = self.table, self.store.newest.second[column], self.store.newest.value[column]
        active, credit = table.active[:, :, column], table.credit[:, :, column]
        held = (newest - table.since[:, :, column] >= table.hold[:, :, column]) | table.at_once[:, :, column]
        valid, superseded = self.valid(column, now), self.muted.superseded[column]
        off = self._begins_nothing(column)
        wanted = np.zeros_like(active)
        inside = ~off & ~paused.any(0) & ~credit.any((0, 1))
        for side, sign in enumerate(SIGN):
            for level in (MEDIUM, SEVERE):
                beyond = value * sign > table.limit[side, level, column]
                begins = valid & beyond & held[side, level] & ~off
                stays = active[side, level] & (value * sign > table.clear[side, level, column]) & ~superseded
                wanted[side, level] = ~paused[side] & (begins | stays)
                inside &= ~beyond
        wanted &= ~self.muted.unworn[column]
        table.active[:, :, column] = wanted
        before, after = _level(active), _level(wanted)
        silent = (after == NONE) & ((before > NONE) | paused | off)
        reported = table.reported_until[:, column]
        table.reported_until[:, column] = np.where(silent, np.maximum(newest, reported), reported)
        stands = wanted.any((0, 1))
        back = column[inside & ~stands]
        table.inside_limits[0, back] = np.maximum(-table.limit[LOW][:, back].min(0), 0)
        table.inside_limits[1, back] = table.limit[HIGH][:, back].min(0)
        out = []
        for side, at in np.argwhere(before != after).tolist():
            level = _LEVEL[Priority(after[side, at] or before[side, at])]
            was, now_is = int(before[side, at]), int(after[side, at])
            out.append(self._condition(int(column[at]), side, level, int(value[at]), was, now_is, now))
        return out

    def _outside(self, column: Ints, now: int) -> tuple[Ints, Bools]:
        """Those of some series of which anything is or may become true, and which of their sides are paused, bool [side, k].
        Most series are inside their limits, and that is noted of them.
        """
        value, table = self.store.newest.value[column], self.table
        low, high = table.limit[LOW][:, column].min(0), table.limit[HIGH][:, column].min(0)
        paused = np.array([self._paused(column, side, now) for side in (HIGH, LOW)])
        inside = (value <= high) & (-value <= low) & ~self._begins_nothing(column) & ~paused.any(0)
        inside &= ~table.active[:, :, column].any((0, 1)) & ~table.credit[:, :, column].any((0, 1))
        table.inside_limits[0, column] = np.where(inside, np.maximum(-low, 0), NO_LIMIT)
        table.inside_limits[1, column] = np.where(inside, high, -1)
        self.notify_at(NEVER, column)
        return column[~inside], paused[:, ~inside]

    def _begins_nothing(self, column: Ints) -> Bools:
        off: Bools = self.muted.sensor_off[column] | self.muted.superseded[column]
        return off

    def _paused(self, column: Ints, side: int, now: int) -> Bools:
        series = self.store.series
        return self.suppression.paused(
            series.patient[column], now, lambda at: rule_name(int(series.vital[column[at]]), side)
        )

    def _condition(
        self, column: int, side: int, level: int, value: int, before: int, after: int, now: int, **more: Any
    ) -> Condition:
        vital = int(self.store.series.vital[column])
        limit, steps = int(self.table.limit[side, level, column]), STEPS[vital]
        return self.condition(
            now=now,
            column=column,
            rule=rule_name(vital, side),
            before=before,
            after=after,
            value=float(value / steps),
            limit=None if limit >= NO_LIMIT else float(SIGN[side] * limit / steps),
            **more,
        )

    def _report(self, episodes: Sequence[Episode], now: int) -> list[Condition]:
        """Episodes found in late data: low, and over."""
        out, reported = [], self.table.reported_until
        latest = {(one.column, one.side, one.since): one for one in sorted(episodes, key=lambda each: each.last)}
        for one in sorted(latest.values(), key=lambda each: (each.column, each.side, each.last)):
            where = one.side, one.level, one.column
            newest = int(self.store.newest.second[one.column])
            if self.table.since[where] == one.since and self.table.last[where] == newest and self.table.credit[where]:
                continue  # the run goes on: it becomes a condition
            if self.muted.sensor_off[one.column] or reported[one.side, one.column] >= one.last:
                continue
            reported[one.side, one.column] = one.last
            if self.muted.superseded[one.column] or self._paused(np.array([one.column]), one.side, now)[0]:
                continue
            what: Any = {"measured": one.last * 1000, "detail": {"late": True, "from": one.since, "to": one.last}}
            for before, after in ((NONE, Priority.LOW), (Priority.LOW, NONE)):
                out.append(self._condition(one.column, one.side, one.level, one.value, before, after, now, **what))
        return out

    def drop(self, partition: int, patients: Sequence[int]) -> None:
        super().drop(partition, patients)
        self._rules.pop(partition, None)
        for patient in patients:
            self._own.pop(patient, None)


def _level(active: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> Cells:
    """int32 [2, n]: the priority, or ``NONE``, of bool [side, level, n]."""
    found: Cells = np.where(active[:, SEVERE], Priority.HIGH, np.where(active[:, MEDIUM], Priority.MEDIUM, NONE))
    return found.astype(np.int32)
