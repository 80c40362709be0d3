"""Limits: "<vital>.high" and "<vital>.low" of each series, in two levels, with hold and hysteresis.

At second T the newest value by measured time counts, if still valid.  A level begins once the run beyond it has lasted its
hold in measured time, and ends when the newest value is back inside by the hysteresis, is no longer valid, or the rule is
paused.  A late sample inside the store has the run read again.  Nothing begins while the sensor is off.  An episode that
began and ended before anybody could be told makes one low onset and end, ``detail`` {"late": true, "from", "to" (s)}.

Only what can change is looked at: a sample within the calm range of its series is merely remembered.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

import numpy as np

from alerts.rules.limits.bounds import HIGH, HOLE, LOW, MEDIUM, NO_LIMIT, SEVERE, SIDES, SIGN, Bounds, Table, table_of
from alerts.rules.limits.runs import Episode, follow
from alerts.rules.pausing import Pausing
from alerts.rules.silence.sensor_off import SensorOff
from alerts.rules.sources import Sources
from devices.sample import STEPS
from devices.vitals import VITALS, Vital
from devices.wire.control import Control, Enrolment, Limits, Pauses, RuleSet
from devices.wire.event import Event
from streams.engine.columns.arrays import NO_INTS, Cells, Ints, distinct
from streams.engine.condition import Condition, Phase, Priority
from streams.engine.series.dense import DenseSeries
from streams.engine.series.newest import NEVER
from streams.engine.series.sparse import SparseSeries
from streams.engine.series.updates import Updates
from streams.engine.stage import Arrival, Moment, View

SeriesStore = DenseSeries | SparseSeries
_INTERVALS: Final = 3
_NOTHING_CALM: Final = ((NO_LIMIT,), (-1,))
_PRIORITY: Final = {1: Priority.MEDIUM, 2: Priority.HIGH}
_NO_TABLE: Final = Table(())


def rule_name(vital: int, side: int) -> str:
    """The rule of a vital's side, like "spo2.low"."""
    return f"{VITALS[Vital(vital)].column}.{SIDES[side]}"


class LimitRules:
    """A :class:`streams.engine.stage.Stage`; stands after ``sensors`` and ``sources``."""

    learns: Collection[type[Control]] = (RuleSet, Limits, Pauses, Enrolment)
    view: View

    def __init__(self, sensors: SensorOff, sources: Sources) -> None:
        self._sensors, self._sources = sensors, sources
        self._pausing = Pausing()
        self._rules: dict[int, Table] = {}
        self._own: dict[int, Table] = {}
        self._holes: dict[tuple[int, int], int] = {}  # (patient, device): s, where it is more than HOLE

    def attach(self, view: View) -> None:
        self.view = view
        self._bounds = (Bounds(view.layout.dense.axis), Bounds(view.layout.sparse.axis))
        view.layout.on_series(self._appear)

    @property
    def _both(self) -> tuple[tuple[SeriesStore, Bounds], ...]:
        return tuple(zip(self.view.stores, self._bounds, strict=True))

    def learn(self, partition: int, patient: int, control: Control) -> None:
        if isinstance(control, Enrolment):
            for device in control.devices:
                hole = _INTERVALS * min(device.interval_s, 86_400)
                if hole > HOLE:
                    self._holes[patient, device.device] = hole
                else:
                    self._holes.pop((patient, device.device), None)
        elif isinstance(control, RuleSet):
            self._rules[partition] = table_of(control.limits)
        elif isinstance(control, Limits):
            self._own[patient] = table_of(control.limits)
        elif isinstance(control, Pauses):
            self._pausing.learn(patient, control)

    def control(self, now: int, partition: int, patient: int, control: Control) -> None:
        if not isinstance(control, RuleSet | Limits | Pauses | Enrolment):
            return
        for store, bounds in self._both:
            of = store.axis.of(partition)
            columns = np.arange(of.start, of.stop)
            if patient:
                columns = columns[store.series.patient[of] == patient]
            if not columns.size:
                continue
            self._configure(store, bounds, columns)
            if isinstance(control, RuleSet | Limits):
                bounds.upset(columns)
            bounds.wake[columns] = 0

    def _appear(self, store: SeriesStore, columns: Ints) -> None:
        """Series were seen for the first time."""
        bounds = self._bounds[0] if store is self.view.layout.dense else self._bounds[1]
        self._configure(store, bounds, columns)
        for column in columns.tolist():
            sender = self.view.layout.senders.at(int(store.series.patient[column]), int(store.series.device[column]))
            bounds.off[column] = bool(self._sensors.contacts.active[sender])

    def _configure(self, store: SeriesStore, bounds: Bounds, columns: Ints) -> None:
        """Put the limits, pauses and holes that hold for some series of one or more partitions."""
        owner, patients = store.axis.owner[columns], store.series.patient[columns]
        pairs = np.unique(owner.astype(np.int64) << 32 | patients)
        for partition in np.unique(owner).tolist():
            self._set(bounds, columns[owner == partition], store, self._rules.get(partition, _NO_TABLE))
        for pair in pairs.tolist():
            partition, patient = pair >> 32, pair & 0xFFFFFFFF
            mine = columns[patients == patient]
            if patient in self._own:
                self._set(bounds, mine, store, self._rules.get(partition, _NO_TABLE).over(self._own[patient]))
            for column in mine.tolist():
                vital, device = int(store.series.vital[column]), int(store.series.device[column])
                bounds.hole[column] = self._holes.get((patient, device), HOLE)
                for side in (HIGH, LOW):
                    bounds.paused[side, column] = self._pausing.until(patient, rule_name(vital, side))

    @staticmethod
    def _set(bounds: Bounds, columns: Ints, store: SeriesStore, table: Table) -> None:
        vital = store.series.vital[columns]
        bounds.limit[:, :, columns] = table.limit[:, :, vital]
        bounds.clear[:, :, columns] = table.clear[:, :, vital]
        bounds.hold[:, :, columns] = table.hold[:, :, vital]

    def event(self, now: int, patient: int, device: int, gateway: int, event: Event) -> None:
        """Events say nothing about values."""

    def arrive(self, arrival: Arrival) -> None:
        """The stores keep what arrived."""

    def set_back(self, partition: int, now: int) -> None:
        for store, bounds in self._both:
            for table in (bounds.since, bounds.told):
                mine = table[..., store.axis.of(partition)]
                np.minimum(mine, now, out=mine)

    def evaluate(self, moment: Moment) -> list[Condition]:
        self._heed_sensors()
        out: list[Condition] = []
        for (store, bounds), updates in zip(self._both, (moment.dense, moment.sparse), strict=True):
            columns, mask = store.axis.span(moment.partitions, moment.member)
            redo = bounds.redo[columns] if mask is None else bounds.redo[columns] & mask
            again = NO_INTS
            if redo.any():
                again = np.flatnonzero(redo) + columns.start
                bounds.redo[again] = False
                new = updates.column[updates.before == -NEVER]  # such series have nothing to be read again
                again = again[(store.newest.second[again] > -NEVER) & ~np.isin(again, new)]
            touched, episodes = self._learn(store, bounds, updates, again, moment.now)
            if not moment.decide:
                continue
            due = bounds.wake[columns] <= moment.now
            if mask is not None:
                due &= mask
            if due.any():
                touched = np.concatenate((touched, np.flatnonzero(due) + columns.start))
            for partition in moment.again.tolist():
                touched = np.concatenate((touched, np.arange(store.axis.width)[store.axis.of(partition)]))
            if episodes:
                out += self._tell(store, bounds, episodes, moment.now)
            if touched.size:
                out += self._decide(store, bounds, distinct(touched, store.axis.width), moment.now)
        return out

    def _heed_sensors(self) -> None:
        """Series whose sensor went off or came back, and those now overruled by another device or no more, are looked at."""
        layout = self.view.layout
        for sender in self._sensors.switched:
            off = bool(self._sensors.contacts.active[sender])
            owner = int(layout.senders.owner[sender])
            for vital, within in enumerate(layout.where.column[:, sender].tolist()):
                if within >= 0:
                    which = 0 if VITALS[Vital(vital)].continuous else 1
                    store, bounds = self._both[which]
                    column = int(store.axis.start[owner]) + within
                    bounds.off[column], bounds.wake[column] = off, 0

        for (_, bounds), columns in zip(self._both, self._sources.switched, strict=True):
            bounds.wake[columns] = 0

    def _learn(
        self, store: SeriesStore, bounds: Bounds, updates: Updates, redo: Ints, now: int
    ) -> tuple[Ints, list[Episode]]:
        """Carry the runs on; the series to decide (perhaps twice), and episodes that came and went."""
        again = np.union1d(updates.late, redo) if redo.size else updates.late
        column, value = updates.column, updates.value
        stir = (value < bounds.calm[0, column]) | (value > bounds.calm[1, column])
        if not updates.alone:  # a sample that follows one beyond may end a run
            stir[1:] |= stir[:-1] & (column[1:] == column[:-1])
        episodes: list[Episode] = []
        if again.size:
            reread = np.zeros(store.axis.width, np.bool_)
            reread[again] = True
            stir &= ~reread[column]
            episodes = self._read_again(store, bounds, updates, again, redo, now)
        at = np.flatnonzero(stir)
        if at.size:
            before, was = updates.before[at], updates.was[at]
            if not updates.alone:
                same = (at > 0) & (column[at - 1] == column[at])
                before, was = np.where(same, updates.second[at - 1], before), np.where(same, value[at - 1], was)
            episodes += follow(bounds, column[at], updates.second[at], value[at], before, was, None)
        return np.concatenate((again, column[at])), episodes

    def _read_again(
        self, store: SeriesStore, bounds: Bounds, updates: Updates, again: Ints, redo: Ints, now: int
    ) -> list[Episode]:
        """Read the runs of some series again from all that the store remembers.  A run from before that goes on, unless the
        limits changed: then it is what can still be seen of it.
        """
        newest, was = store.newest.second[again], store.newest.value[again]
        changed = np.isin(again, redo)
        bounds.since[:, :, again[changed]] = np.maximum(newest[changed], 0)
        bounds.told[:, again[changed]] = newest[changed]
        mine = np.flatnonzero(np.isin(updates.column, again))
        at = np.searchsorted(again, updates.column[mine])
        newest[at], was[at] = updates.before[mine], updates.was[mine]
        position, second, value = store.history(again, now)
        if not position.size:
            return []
        column, first = again[position], np.append(True, position[1:] != position[:-1])
        before, former = np.append(NEVER, second[:-1]), np.append(0, value[:-1]).astype(np.int32)
        before[first] = NEVER
        known = first & ~changed[position] & (newest[position] > -NEVER)
        running = np.zeros((2, 2, len(column)), np.bool_)
        for side, sign in enumerate(SIGN):
            for level in (MEDIUM, SEVERE):
                beyond = was[position] * sign > bounds.limit[side, level, column]
                running[side, level] = known & beyond & (bounds.since[side, level, column] < second)
        return follow(bounds, column, second, value, before, former, running)

    def _decide(self, store: SeriesStore, bounds: Bounds, column: Ints, now: int) -> list[Condition]:
        """What is true of some series (int64, unique) at second ``now``."""
        column = self._stirred(store, bounds, column, now)
        if not column.size:
            return []
        newest, value = store.newest.second[column], store.newest.value[column]
        running = now - self.view.timeline.stalled_s[store.axis.owner[column]]
        left = store.newest.expires[column] - running
        fresh = (newest > -NEVER) & (left > 0)
        since, active, paused = bounds.since[:, :, column], bounds.active[:, :, column], bounds.paused[:, column]
        overruled = self._sources.standing(store).overruled[column]
        fresh &= ~overruled
        off = bounds.off[column] | overruled
        wanted = np.zeros_like(active)
        calm = np.ones(len(column), np.bool_)
        for side, sign in enumerate(SIGN):
            for level in (MEDIUM, SEVERE):
                beyond = value * sign > bounds.limit[side, level, column]
                begins = beyond & (newest - since[side, level] >= bounds.hold[side, level, column]) & ~off
                stays = active[side, level] & (value * sign > bounds.clear[side, level, column])
                wanted[side, level] = fresh & (paused[side] <= now) & (begins | stays)
                calm &= ~beyond
        was, now_is = _level(active), _level(wanted)
        bounds.active[:, :, column] = wanted
        silent = (now_is == 0) & ((was > 0) | (paused > now) | off)
        bounds.told[:, column] = np.where(silent, np.maximum(newest, bounds.told[:, column]), bounds.told[:, column])
        calm &= ~wanted.any((0, 1)) & (paused <= now).all(0) & ~off
        low, high = bounds.limit[LOW][:, column].min(0), bounds.limit[HIGH][:, column].min(0)
        bounds.calm[0, column] = np.where(calm, np.maximum(-low, 0), NO_LIMIT)
        bounds.calm[1, column] = np.where(calm, high, -1)
        wake = np.where(wanted.any((0, 1)), now + left, NEVER)
        bounds.wake[column] = np.minimum(wake, np.where(paused > now, paused, NEVER).min(0))
        sides, places = np.nonzero(was != now_is)
        return [
            self._condition(store, bounds, int(column[at]), side, int(was[side, at]), int(now_is[side, at]), now)
            for side, at in zip(sides.tolist(), places.tolist(), strict=True)
        ]

    def _stirred(self, store: SeriesStore, bounds: Bounds, column: Ints, now: int) -> Ints:
        """Those of some series of which anything is or may become true; the others are calm, and most are."""
        value, off = store.newest.value[column], bounds.off[column] | self._sources.standing(store).overruled[column]
        low, high = bounds.limit[LOW][:, column].min(0), bounds.limit[HIGH][:, column].min(0)
        calm = (value <= high) & (-value <= low) & ~off & ~bounds.active[:, :, column].any((0, 1))
        calm &= (bounds.paused[:, column] <= now).all(0)
        quiet = column[calm]
        bounds.calm[0, quiet], bounds.calm[1, quiet] = np.maximum(-low[calm], 0), high[calm]
        bounds.wake[quiet] = NEVER
        stirred: Ints = column[~calm]
        return stirred

    def _condition(
        self, store: SeriesStore, bounds: Bounds, column: int, side: int, was: int, level: int, now: int
    ) -> Condition:
        phase: Phase = "end" if not level else "onset" if not was else "worse" if level > was else "better"
        series, newest, told = store.series, store.newest, level or was
        vital = int(series.vital[column])
        return Condition(
            int(store.axis.owner[column]),
            now,
            int(series.patient[column]),
            rule_name(vital, side),
            int(series.device[column]),
            phase,
            _PRIORITY[told],
            "physiological",
            vital=vital,
            value=float(newest.value[column] / STEPS[vital]),
            limit=_in_units(int(bounds.limit[side, told - 1, column]), side, vital),
            measured=int(newest.second[column]) * 1000 + int(newest.ms[column]),
            detail=self._sources.standing(store).detail(column),
        )

    def _tell(self, store: SeriesStore, bounds: Bounds, episodes: Sequence[Episode], now: int) -> list[Condition]:
        """Episodes found in late data: low, and over."""
        out = []
        for one in sorted(episodes, key=lambda each: (each.column, each.side, each.last)):
            if bounds.told[one.side, one.column] >= one.last:
                continue
            bounds.told[one.side, one.column] = one.last
            if bounds.paused[one.side, one.column] > now or self._sources.standing(store).overruled[one.column]:
                continue
            vital = int(store.series.vital[one.column])
            for phase in ("onset", "end"):
                out.append(  # noqa: PERF401
                    Condition(
                        int(store.axis.owner[one.column]),
                        now,
                        int(store.series.patient[one.column]),
                        rule_name(vital, one.side),
                        int(store.series.device[one.column]),
                        phase,
                        Priority.LOW,
                        "physiological",
                        vital=vital,
                        value=float(one.value / STEPS[vital]),
                        limit=_in_units(int(bounds.limit[one.side, one.level, one.column]), one.side, vital),
                        measured=one.last * 1000,
                        detail={"late": True, "from": one.since, "to": one.last},
                    )
                )
        return out

    def drop(self, partition: int, patients: Sequence[int]) -> None:
        self._pausing.drop(patients)
        self._rules.pop(partition, None)
        gone = set(patients)
        for patient in gone:
            self._own.pop(patient, None)
        self._holes = {name: hole for name, hole in self._holes.items() if name[0] not in gone}


def _level(active: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> Cells:
    """int32 [2, n]: 0 none, 1 medium, 2 high, of bool [side, level, n]."""
    found: Cells = np.where(active[:, SEVERE], 2, active[:, MEDIUM]).astype(np.int32)
    return found


def _in_units(limit: int, side: int, vital: int) -> float | None:
    return None if limit >= NO_LIMIT else float(SIGN[side] * limit / STEPS[vital])
