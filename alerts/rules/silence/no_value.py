"""No value: "<vital>.no_value" of an enrolled device: a vital that it has sent has no usable value any more.

It is *unusable*: the device sends samples of it, and for ``RuleSet.no_value_s`` (two intervals of the device where that
is more) none could be used; the reason is the status of the last one.  It is *silent*: the device is heard and this vital
is not among what comes, for as long as a whole device may be silent (a vital measured now and then: at least as long as its
value is valid).  Or a physiological condition of it *stands* and cannot be assessed: its last usable value is older than the
allowance of its device, or no longer valid where values are taken by hand.  The condition ends with a usable value.

Samples count when they arrive and are not older than five minutes (or than the allowance of their device), on the active
clock: a backlog says nothing of now.  A device that falls silent for a minute (three of its intervals) begins anew: what it
says while it is put on is no fault.  An unusable reading of a vital that is measured by hand now and then is none, either.
While the device says that its sensor is off that condition says so (docs/decisions/0105-connected-is-not-watched.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

import numpy as np

from alerts.rules.limits.bounds import HOLE
from alerts.rules.limits.limits import LimitRules
from alerts.rules.rule import NONE
from alerts.rules.series_rule import SeriesRule
from alerts.rules.silence.no_data import NoData
from alerts.rules.silence.sensor_off import SensorOff
from alerts.rules.suppression import Suppression
from devices.sample import Status
from devices.vitals import VITALS, Vital
from devices.wire.control import Control, Enrolment, RuleSet
from streams.engine.columns.arrays import Bools, Bytes, Cells, Ints, marked
from streams.engine.columns.axis import Columns, array
from streams.engine.condition import Category, Condition, Priority
from streams.engine.series.newest import NEVER
from streams.engine.series.ring import LONGEST
from streams.engine.series.series_store import SeriesStore
from streams.engine.stage import Arrival, Moment, View

SILENT, OLD = "silent", "too old"
REASONS: Final = {
    Status.ARTEFACT: "artefact",
    Status.POOR_CONTACT: "poor contact",
    Status.SENSOR_OFF: "sensor off",
    Status.OUT_OF_RANGE: "implausible",
    Status.NAN: "no number",
    Status.NRES: "not at this resolution",
    Status.POSITIVE_INFINITY: "above the device's range",
    Status.NEGATIVE_INFINITY: "below the device's range",
    Status.RESERVED: "no number",
}
"""``detail["reason"]`` where values cannot be used, by the status of the last one."""
_OFF_LATER: Final = 3
"""s by which this rule leaves ``sensor_off`` the first word."""
_SENDER: Final = -1
_UNUSABLE, _SILENT, _STALE = 1, 2, 3


def rule_name(vital: int) -> str:
    """The rule of a vital, like "spo2.no_value"."""
    return f"{VITALS[Vital(vital)].column}.no_value"


class Received(Columns):
    """Per series, active seconds int64 of arrivals: ``good``: the last usable sample, ``bad``: the last unusable one,
    ``bad_since``: the first of its run.  ``status`` uint8 of the last unusable one.  The condition: ``active`` bool,
    ``began`` int64 active second, ``why`` uint8.  Of its device: ``sender`` int32: its
    column within the partition's slice, ``unusable_s``, ``silent_s`` and ``stale_s`` int64: how long it may be so (NEVER:
    for ever), ``least_s`` before which nothing is, ``spacing`` int64 s.
    """

    good: Ints = array(np.int64, -NEVER)
    bad: Ints = array(np.int64, -NEVER)
    bad_since: Ints = array(np.int64, -NEVER)
    status: Bytes = array(np.uint8)
    active: Bools = array(np.bool_)
    began: Ints = array(np.int64)
    reason: Bytes = array(np.uint8)
    sender: Cells = array(np.int32, _SENDER)
    unusable_s: Ints = array(np.int64, NEVER)
    silent_s: Ints = array(np.int64, NEVER)
    stale_s: Ints = array(np.int64, NEVER)
    least_s: Ints = array(np.int64, NEVER)
    spacing: Ints = array(np.int64, 1)


class NoValue(SeriesRule):
    """``table``: :class:`Heard`; stands after the rules that it is given."""

    category: ClassVar[Category] = "technical"
    parameters = ("no_value_s", "no_data_factor", "no_data_extra_s")
    table: Received

    def __init__(
        self, suppression: Suppression, devices: NoData, sensors: SensorOff, limits: LimitRules, *, continuous: bool
    ) -> None:
        super().__init__(suppression, continuous=continuous)
        self._devices, self._sensors, self._limits = devices, sensors, limits

    def attach(self, view: View) -> None:
        super().attach(view)
        self.table = Received(self.store.axis, "no value")
        view.layout.on_series(self._series_appeared)

    def _series_appeared(self, store: SeriesStore, columns: Ints) -> None:
        if store is self.store:
            layout, owner = self.view.layout, self.store.axis.owner[columns]
            self.table.sender[columns] = layout.senders_of(store, columns) - layout.senders.start[owner]
            self._configure(columns)

    def control(self, now: int, partition: int, patient: int, control: Control) -> None:
        if isinstance(control, RuleSet | Enrolment):
            of = self.store.axis.of(partition)
            columns = np.arange(of.start, of.stop)
            self._configure(columns[self.store.series.patient[of] == patient] if patient else columns)

    def _sender(self, columns: Ints) -> Ints:
        found: Ints = self.view.layout.senders.start[self.store.axis.owner[columns]] + self.table.sender[columns]
        return found

    def _configure(self, columns: Ints) -> None:
        """Put how long the vitals of some series may be without a value."""
        table, validity = self.table, self.store.series.validity[columns]
        interval = self.view.layout.where.interval[self._sender(columns)]
        by_itself = interval > 0
        intervals = np.ceil(self.value_of("no_data_factor", columns) * interval).astype(np.int64)
        allowance = intervals + self.value_of("no_data_extra_s", columns)
        if self.continuous:
            table.unusable_s[columns] = np.maximum(self.value_of("no_value_s", columns), intervals)
            table.silent_s[columns] = np.where(by_itself, allowance, HOLE)
        else:
            unusable = np.maximum(self.value_of("no_value_s", columns), intervals)
            table.unusable_s[columns] = np.where(by_itself, unusable, NEVER)
            table.silent_s[columns] = np.where(by_itself, np.maximum(allowance, validity), NEVER)
        table.stale_s[columns] = np.where(by_itself, allowance, validity)
        table.spacing[columns] = np.maximum(interval, 1)
        least = np.minimum(np.minimum(table.unusable_s, table.silent_s), table.stale_s)[columns]
        table.least_s[columns] = least - 1  # a stalled second is none

    def arrive(self, arrival: Arrival) -> None:
        of_kind = arrival.continuous if self.continuous else ~arrival.continuous
        if not of_kind.any():
            return
        mine = marked(of_kind)
        column, time, status = arrival.column[mine], arrival.time[mine], arrival.status[mine]
        live = time > (arrival.now - LONGEST) * 1000 + 999
        if not live.all():  # a slow device is heard with what is older
            live |= time // 1000 > arrival.now - self._devices.table.allowance[arrival.sender[mine]]
        good = live & (status == Status.OK)
        table, at = self.table, column[marked(good)]
        table.good[at] = self.active_now(arrival.now, at)
        if good.all():
            return
        bad = live & ~good
        at, status = column[bad], status[bad]
        now = self.active_now(arrival.now, at)
        bad_before = table.bad[at]
        fresh = (bad_before <= table.good[at]) | (now - bad_before > np.maximum(HOLE, 3 * table.spacing[at]))
        table.bad_since[at[fresh]] = now[fresh]
        table.status[at[bad_before < now]] = 0
        table.bad[at] = now
        np.maximum.at(table.status, at, status)

    def evaluate(self, moment: Moment) -> Sequence[Condition]:
        if moment.replaying:
            return ()
        columns, mask = self.store.axis.span(moment.partitions, moment.member)
        table, now = self.table, moment.now
        last = self.active_now(now, columns) - table.good[columns]
        looked = table.active[columns] | (last >= table.least_s[columns])
        if mask is not None:
            looked &= mask
        column = np.flatnonzero(looked) + columns.start
        column = column[table.sender[column] != _SENDER]
        return self._decide(column, now) if column.size else ()

    def _decide(self, column: Ints, now: int) -> list[Condition]:
        table, sender, devices = self.table, self._sender(column), self._devices.table
        good, bad, active_now = table.good[column], table.bad[column], self.active_now(now, column)
        status, before, reason = table.status[column], table.active[column], table.reason[column]
        taken_off = (status == Status.POOR_CONTACT) | (status == Status.SENSOR_OFF)
        lasted = bad - np.maximum(good, table.bad_since[column] - table.spacing[column])
        unusable = (bad > good) & (lasted >= table.unusable_s[column] - 1 + np.where(taken_off, _OFF_LATER, 0))
        received = np.maximum(good, bad)
        away = devices.last[sender] - np.maximum(received, devices.begun[sender])
        silent = (received > -NEVER) & (away >= table.silent_s[column])
        stands = np.any(self._limits.table.active[:, :, column], axis=(0, 1)) & ~self.muted.superseded[column]
        by_hand = self.view.layout.where.interval[sender] == 0
        expired = self.store.newest.expires[column] <= active_now
        stale = stands & (by_hand & expired | ~by_hand & (active_now - good >= table.stale_s[column]))
        off = self._sensors.table.active[sender] & ~stands
        goes_on = before & (good < table.began[column]) & ((reason != _STALE) | stands)
        patient = self.store.series.patient[column]
        wanted = (unusable & ~off) | (silent & ~off) | stale | goes_on
        wanted &= self._sensors.table.watched[sender] & ~self.muted.covered[column]
        wanted &= ~self.suppression.paused(patient, now, lambda at: rule_name(int(self.store.series.vital[column[at]])))
        wanted &= ~self.suppression.withdrawn(patient)
        new = wanted & ~before
        table.reason[column] = np.where(new, np.where(unusable, _UNUSABLE, np.where(silent, _SILENT, _STALE)), reason)
        table.began[column] = np.where(new, active_now, table.began[column])
        table.active[column] = wanted
        out = []
        for at in np.flatnonzero(wanted != before).tolist():
            one, begins = int(column[at]), bool(wanted[at])
            out.append(
                self.condition(
                    now=now,
                    column=one,
                    rule=rule_name(int(self.store.series.vital[one])),
                    before=NONE if begins else Priority.MEDIUM,
                    after=Priority.MEDIUM if begins else NONE,
                    detail={"reason": self._reason(one), "cannot_assess": bool(stands[at])},
                )
            )
        return out

    def _reason(self, column: int) -> str:
        if self.table.bad[column] > self.table.good[column] and self.table.reason[column] != _SILENT:
            return REASONS.get(Status(int(self.table.status[column])), SILENT)
        by_hand = self.view.layout.where.interval[self._sender(np.array([column]))[0]] == 0
        return OLD if self.table.reason[column] == _STALE and by_hand else SILENT
