"""Limits: "<parameter>.high" and "<parameter>.low" of each patient, in two levels, with hold and hysteresis.

Each series has its own run and its own level; the patient has one condition a parameter and side, that of the source which
decides (:mod:`alerts.rules.sources`), and it goes on when another source takes over.  It names its sources in ``detail``.
While they disagree (:mod:`alerts.rules.agreement`) it is of high priority only if every live one is.

At second T the newest value by measured time counts.  A level begins, if that value is still valid, once the run beyond it
(:mod:`alerts.rules.limits.runs`) has lasted its hold in measured time; a value of a device that reports rarely or by hand
begins it at once.  It ends when the newest value is back inside by the hysteresis, or the rule is paused: never because
values stopped or cannot be used (:mod:`alerts.rules.silence.no_value` says that they did).  A late sample inside the store
has the run read again.  Nothing begins while the sensor is off.  An episode that began and ended before anybody could be
told makes one low onset and end, ``detail`` {"late": true, "from", "to" (s)}.

The rule looks only at series that can change: a sample inside the limits of its series is merely remembered.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from alerts.rules.agreement import sources_of
from alerts.rules.limits.bounds import HIGH, LOW, MEDIUM, NO_LIMIT, SEVERE, SIDES, SIGN, Bounds, Stands, Table, table_of
from alerts.rules.limits.runs import Episode, beyond_limits, follow
from alerts.rules.limits.scale2 import for_scale
from alerts.rules.parameters import PARAMETER, parameter_of
from alerts.rules.rule import NONE
from alerts.rules.series_rule import SeriesRule
from alerts.rules.suppression import Suppression
from devices.sample import STEPS
from devices.vitals import VITALS
from devices.wire.control import Control, Enrolment, Facts, Limits, OwnRules, RuleSet
from streams.engine.columns.arrays import NO_INTS, Bools, Cells, Ints, distinct
from streams.engine.condition import Condition, Priority
from streams.engine.series.newest import NEVER
from streams.engine.series.series_store import SeriesStore
from streams.engine.series.updates import Updates
from streams.engine.stage import Moment, View

_LEVEL: Final = {Priority.MEDIUM: MEDIUM, Priority.HIGH: SEVERE}


def rule_name(vital: int, side: int) -> str:
    """The rule of a side of the parameter that a vital measures, like "spo2.low"; a pulse's is "heart_rate.high"."""
    return f"{VITALS[parameter_of(vital)].column}.{SIDES[side]}"


class LimitRules(SeriesRule):
    """``table``: :class:`alerts.rules.limits.bounds.Bounds`; ``stands``: :class:`alerts.rules.limits.bounds.Stands`."""

    learns: Collection[type[Control]] = (RuleSet, Limits, Facts)
    parameters = ("hold_percent",)
    quiet = True
    table: Bounds

    def __init__(self, suppression: Suppression, *, continuous: bool) -> None:
        super().__init__(suppression, continuous=continuous)
        self._scale2: dict[int, Facts] = {}
        self._own: dict[int, Table] = {}

    def attach(self, view: View) -> None:
        super().attach(view)
        self.table = Bounds(self.store.axis)
        self.stands = Stands(view.layout.patients, "limits continuous" if self.continuous else "limits episodic")
        view.layout.on_series(self._series_appeared)

    def _series_appeared(self, store: SeriesStore, columns: Ints) -> None:
        if store is self.store:
            self._configure(columns)

    def learn(self, partition: int, patient: int, control: Control) -> None:
        super().learn(partition, patient, control)
        if isinstance(control, Facts):
            self._scale2.pop(patient, None)
            if control.spo2_scale != 1:
                self._scale2[patient] = control
        elif isinstance(control, Limits):
            self._own[patient] = table_of(control.limits)

    def control(self, now: int, partition: int, patient: int, control: Control) -> None:
        if not isinstance(control, RuleSet | OwnRules | Limits | Enrolment | Facts):
            return
        of = self.store.axis.of(partition)
        columns = np.arange(of.start, of.stop)
        if patient:
            columns = columns[self.store.series.patient[of] == patient]
        if columns.size:
            before = self._limits_of(columns)
            self._configure(columns)
            if isinstance(control, Facts):  # only where the scale makes others of them
                columns = columns[(self._limits_of(columns) != before).any((0, 1, 2))]
            if not isinstance(control, Enrolment):
                self.table.invalidate(columns)
            self.notify_at(0, columns)

    def _configure(self, columns: Ints) -> None:
        """Put the limits that hold for some series of one or more partitions, and what is known of their devices."""
        series, owner = self.store.series, self.store.axis.owner[columns]
        patients = series.patient[columns]
        for rules, at in self.suppression.chosen.groups(self.view.layout.patient_of(self.store, columns)):
            self._put(columns[at], table_of(rules.limits))
        for patient in np.unique(patients).tolist() if self._own or self._scale2 else ():
            if patient in self._own or patient in self._scale2:
                self._put(columns[patients == patient], self._table_of(patient))
        self.table.percent[columns] = np.clip(self.parameter["hold_percent"][owner], 1, 100)
        layout = self.view.layout
        self.table.set_device(columns, layout.where.interval[layout.senders_of(self.store, columns)])

    def _table_of(self, patient: int) -> Table:
        table = table_of(for_scale(self.suppression.chosen.of(patient).limits, self._scale2.get(patient)))
        return table.over(self._own[patient]) if patient in self._own else table

    def _limits_of(self, columns: Ints) -> Cells:
        return np.array([getattr(self.table, field)[:, :, columns] for field in ("limit", "clear", "hold")])

    def _put(self, columns: Ints, table: Table) -> None:
        vital = self.store.series.vital[columns]
        for field in ("limit", "clear", "hold"):
            getattr(self.table, field)[:, :, columns] = getattr(table, field)[:, :, vital]

    def set_back(self, partition: int, now: int) -> None:
        for times in (self.table.since, self.table.last, self.table.reported_until):
            mine = times[..., self.store.axis.of(partition)]
            np.minimum(mine, now, out=mine)

    def idle_until(self, now: int) -> int:
        return now if self.table.reread.any() else super().idle_until(now)

    def evaluate(self, moment: Moment) -> Sequence[Condition]:
        updates = self.updates(moment)
        touched, episodes = self._follow(updates, self._take_reread(moment, updates), moment.now)
        if moment.replaying:
            return ()
        out = self._report(episodes, moment.now) if episodes else []
        column = self.due(moment, touched, self.suppression.changed(self.store))
        if column.size:
            decided, switched = self._decide(column, moment.now), self.suppression.switched(self.store)
            leaders = self._leaders(np.append(switched, decided[self.muted.apart[decided]]))
            column = np.concatenate((decided, switched, leaders))
            out += self._combine(distinct(column, self.store.axis.width), moment.now) if column.size else []
        return out

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

    def _decide(self, column: Ints, now: int) -> Ints:
        """Decide the levels of some series (int64, unique); those of which anything is or may become true."""
        column, paused = self._outside(column, now)
        if not column.size:
            return column
        table, newest, value = self.table, self.store.newest.second[column], self.store.newest.value[column]
        active, credit = table.active[:, :, column], table.credit[:, :, column]
        held = (newest - table.since[:, :, column] >= table.hold[:, :, column]) | table.at_once[:, :, column]
        valid, off = self.valid(column, now), self.muted.sensor_off[column]
        wanted = np.zeros_like(active)
        inside = ~off & ~paused.any(0) & ~credit.any((0, 1))
        for side, sign in enumerate(SIGN):
            for level in (MEDIUM, SEVERE):
                beyond = value * sign > table.limit[side, level, column]
                begins = valid & beyond & held[side, level] & ~off
                stays = active[side, level] & (value * sign > table.clear[side, level, column])
                wanted[side, level] = ~paused[side] & (begins | stays)
                inside &= ~beyond
        wanted &= ~self.muted.unworn[column]
        table.active[:, :, column] = wanted
        before, after = level_of(active), level_of(wanted)
        silent = (after == NONE) & ((before > NONE) | paused | off)
        reported = table.reported_until[:, column]
        table.reported_until[:, column] = np.where(silent, np.maximum(newest, reported), reported)
        stands = wanted.any((0, 1))
        back = column[inside & ~stands]
        table.inside_limits[0, back] = np.maximum(-table.limit[LOW][:, back].min(0), 0)
        table.inside_limits[1, back] = table.limit[HIGH][:, back].min(0)
        return column

    def _combine(self, column: Ints, now: int) -> list[Condition]:
        """The conditions of the parameters of some series (int64, unique) that change at second ``now``."""
        series, muted = self.store.series, self.muted
        column = column[~muted.superseded[column]]
        after = level_of(self.table.active[:, :, column])
        for at in np.flatnonzero(muted.apart[column]).tolist():
            others = self._group(int(column[at]))
            all_say = level_of(self.table.active[:, :, others[muted.apart[others]]]).min(1)
            after[:, at] = np.maximum(np.minimum(after[:, at], Priority.MEDIUM), np.minimum(after[:, at], all_say))
        parameter, row = PARAMETER[series.vital[column]], self.view.layout.patient_of(self.store, column)
        before = self.stands.level[:, parameter, row]
        self.stands.level[:, parameter, row] = after
        out = []
        for side, at in np.argwhere(before != after).tolist():
            one, (was, is_now) = int(column[at]), (int(level[side, at]) for level in (before, after))
            level, value = _LEVEL[Priority(is_now or was)], int(self.store.newest.value[one])
            sources = sources_of(self.view, self.suppression, self.store, one)
            out.append(self._condition(one, side, level, value, was, is_now, now, detail=sources))
        return out

    def _group(self, column: int) -> Ints:
        """All series of the patient and parameter of one, int64 [k]."""
        series, of = self.store.series, self.store.axis.of(int(self.store.axis.owner[column]))
        mine = (series.person[of] == series.person[column]) & (
            PARAMETER[series.vital[of]] == PARAMETER[series.vital[column]]
        )
        found: Ints = np.flatnonzero(mine) + of.start
        return found

    def _leaders(self, column: Ints) -> Ints:
        """The series that decide in place of some that are superseded, for patients whose sources disagree, int64 [k]."""
        muted, patient = self.muted, self.store.series.patient
        column = column[muted.superseded[column]]
        apart = np.flatnonzero(muted.apart) if column.size else NO_INTS
        if not apart.size:
            return apart
        column = column[np.isin(patient[column], patient[apart])]
        found = np.concatenate([NO_INTS, *[self._group(one) for one in column.tolist()]])
        leaders: Ints = found[~muted.superseded[found] & muted.apart[found]]
        return leaders

    def _outside(self, column: Ints, now: int) -> tuple[Ints, Bools]:
        """Those of some series of which anything is or may become true, and which of their sides are paused, bool [side, k].
        Most series are inside their limits, and that is noted of them.
        """
        value, table = self.store.newest.value[column], self.table
        low, high = table.limit[LOW][:, column].min(0), table.limit[HIGH][:, column].min(0)
        paused = np.array([self._paused(column, side, now) for side in (HIGH, LOW)])
        inside = (value <= high) & (-value <= low) & ~self.muted.sensor_off[column] & ~paused.any(0)
        inside &= ~table.active[:, :, column].any((0, 1)) & ~table.credit[:, :, column].any((0, 1))
        table.inside_limits[0, column] = np.where(inside, np.maximum(-low, 0), NO_LIMIT)
        table.inside_limits[1, column] = np.where(inside, high, -1)
        self.notify_at(NEVER, column)
        return column[~inside], paused[:, ~inside]

    def _paused(self, column: Ints, side: int, now: int) -> Bools:
        series = self.store.series
        return self.suppression.paused(
            series.patient[column], now, lambda at: rule_name(int(series.vital[column[at]]), side)
        )

    def _condition(
        self, column: int, side: int, level: int, value: int, before: int, after: int, now: int, **more: Any
    ) -> Condition:
        vital, patient = int(self.store.series.vital[column]), int(self.store.series.patient[column])
        limit = float(self._table_of(patient).written[side, level, vital])
        if patient in self._own and self._own[patient].named[side, vital]:
            more["detail"] = {"set": "patient", **more.get("detail", {})}
        found = self.condition(
            now=now,
            column=column,
            rule=rule_name(vital, side),
            before=before,
            after=after,
            value=float(value / STEPS[vital]),
            limit=None if np.isnan(limit) else limit,
            **more,
        )
        return replace(found, source=0)

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
            if self._stands(one):
                continue
            what: Any = {"measured": one.last * 1000, "detail": {"late": True, "from": one.since, "to": one.last}}
            for before, after in ((NONE, Priority.LOW), (Priority.LOW, NONE)):
                out.append(self._condition(one.column, one.side, one.level, one.value, before, after, now, **what))
        return out

    def _stands(self, one: Episode) -> bool:
        """True if the condition of an episode's patient, parameter and side stands: no other may begin and end."""
        row = self.view.layout.patient_of(self.store, np.array([one.column]))[0]
        return bool(self.stands.level[one.side, PARAMETER[self.store.series.vital[one.column]], row])

    def drop(self, partition: int, patients: Sequence[int]) -> None:
        super().drop(partition, patients)
        for patient in patients:
            self._own.pop(patient, None)
            self._scale2.pop(patient, None)


def level_of(active: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> Cells:
    """int32 [2, n]: the priority, or ``NONE``, of bool [side, level, n]."""
    found: Cells = np.where(active[:, SEVERE], Priority.HIGH, np.where(active[:, MEDIUM], Priority.MEDIUM, NONE))
    return found.astype(np.int32)
