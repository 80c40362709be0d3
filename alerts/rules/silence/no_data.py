"""No data: an enrolled device that should report by itself (``interval_s`` > 0) is silent.

It is heard when a sample of it arrives that is not older than five minutes (or than its own allowance): a drained backlog
does not make a device alive.  It is silent after ``no_data_factor`` intervals + ``no_data_extra_s`` active seconds.  While
its gateway is away the gateway's condition says so: the device's begins only if its gateway was heard well after it, and its
allowance starts again when the gateway is back (docs/decisions/0014-technical-conditions.md).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import ClassVar, Final

import numpy as np

from alerts.rules.pausing import Pausing
from alerts.rules.silence.gateway_offline import GatewayOffline
from alerts.rules.silence.technical import technical
from devices.wire.control import Control, Enrolment, Pauses, RuleSet
from devices.wire.event import Event
from streams.engine.columns.arrays import Bools, Cells, Ints
from streams.engine.columns.axis import Columns, Field
from streams.engine.condition import Condition
from streams.engine.series.ring import LONGEST
from streams.engine.stage import Arrival, Moment, View

RULE: Final = "no_data"
_DEFAULT: Final = RuleSet(version=0)
OUTLIVED: Final = 5
"""s by which a gateway must have been heard after its device before the device alone is to blame."""


class Watched(Columns):
    """Per sender.  ``allowance`` int64 s (0: not watched), ``interval`` int64 s, ``heard`` int64 active second, ``link``
    int32: the gateway's link within the partition's slice, ``paused`` int64 clock second, ``measured`` int64 ms of the
    newest sample.
    """

    FIELDS: ClassVar = {
        "allowance": Field(np.int64, 0),
        "interval": Field(np.int64, 0),
        "heard": Field(np.int64, 0),
        "measured": Field(np.int64, 0),
        "link": Field(np.int32, 0),
        "active": Field(np.bool_, False),
        "paused": Field(np.int64, 0),
    }
    allowance: Ints
    interval: Ints
    heard: Ints
    measured: Ints
    link: Cells
    active: Bools
    paused: Ints


class NoData:
    """A :class:`streams.engine.stage.Stage`; stands after ``gateways``."""

    learns: Collection[type[Control]] = (RuleSet, Pauses)
    watched: Watched
    view: View

    def __init__(self, gateways: GatewayOffline) -> None:
        self._gateways = gateways
        self._pausing = Pausing()
        self._rules: dict[int, RuleSet] = {}

    def attach(self, view: View) -> None:
        self.view, self.watched = view, Watched(view.layout.senders, RULE)

    def learn(self, partition: int, patient: int, control: Control) -> None:
        if isinstance(control, RuleSet):
            self._rules[partition] = control
        elif isinstance(control, Pauses):
            self._pausing.learn(patient, control)

    def control(self, now: int, partition: int, patient: int, control: Control) -> None:
        if isinstance(control, RuleSet):
            self._allow(partition)
        elif isinstance(control, Enrolment):
            self._enrol(now, partition, patient, control)
        elif isinstance(control, Pauses):
            self.watched.paused[self.view.layout.senders.of_patient(patient)] = self._pausing.until(patient, RULE)

    def _allow(self, partition: int) -> None:
        rules, columns = self._rules.get(partition, _DEFAULT), self.view.layout.senders.of(partition)
        interval = self.watched.interval[columns]
        allowance = np.ceil(rules.no_data_factor * interval).astype(np.int64) + rules.no_data_extra_s
        self.watched.allowance[columns] = np.where(interval > 0, allowance, 0)

    def _enrol(self, now: int, partition: int, patient: int, control: Enrolment) -> None:
        table, layout = self.watched, self.view.layout
        current = {one.device: one for one in control.devices if one.until is None or one.until > now * 1000}
        rules = self._rules.get(partition, _DEFAULT)
        for column in self.view.layout.senders.of_patient(patient).tolist():
            device = int(layout.senders.others(slice(column, column + 1))[0])
            one = current.get(device)
            if one is None or one.interval_s <= 0:
                table.interval[column] = table.allowance[column] = 0
                continue
            if not table.allowance[column]:  # watched from now on
                table.heard[column] = self.view.timeline.active(now, partition)
            table.interval[column] = one.interval_s
            table.allowance[column] = math.ceil(rules.no_data_factor * one.interval_s) + rules.no_data_extra_s
            table.link[column] = layout.links.at(patient, one.gateway) - layout.links.start[partition]
            table.paused[column] = self._pausing.until(patient, RULE)

    def event(self, now: int, patient: int, device: int, gateway: int, event: Event) -> None:
        """An event is no data."""

    def arrive(self, arrival: Arrival) -> None:
        if not arrival.sender.size:
            return
        starts = np.flatnonzero(np.append(True, arrival.sender[1:] != arrival.sender[:-1]))
        sender, newest = arrival.sender[starts], np.maximum.reduceat(arrival.time, starts)
        live = newest // 1000 > arrival.now - np.maximum(LONGEST, self.watched.allowance[sender])
        sender, newest = sender[live], newest[live]
        lost = self.view.timeline.stalled_s[self.view.layout.senders.owner[sender]]
        self.watched.heard[sender] = np.maximum(self.watched.heard[sender], arrival.now - lost)
        np.maximum.at(self.watched.measured, sender, newest)

    def set_back(self, partition: int, now: int) -> None:
        """Running time goes on."""

    def evaluate(self, moment: Moment) -> list[Condition]:
        if not moment.decide:
            return []
        axis, table = self.view.layout.senders, self.watched
        columns, mask = axis.span(moment.partitions, moment.member)
        allowance, heard = table.allowance[columns], table.heard[columns]
        lost = self.view.timeline.stalled_s[axis.owner[columns]]
        looked = table.active[columns] | ((allowance > 0) & (moment.now - lost - heard > allowance))
        if mask is not None:
            looked &= mask
        column = np.flatnonzero(looked) + columns.start
        return self._decide(moment.now, column) if column.size else []

    def _decide(self, now: int, column: Ints) -> list[Condition]:
        axis, table, links = self.view.layout.senders, self.watched, self._gateways.links
        owner = axis.owner[column]
        link = self.view.layout.links.start[owner] + table.link[column]
        active, running = table.active[column], now - self.view.timeline.stalled_s[owner]
        since = np.where(active, table.heard[column], np.maximum(table.heard[column], links.back[link]))
        silent = (table.allowance[column] > 0) & (running - since > table.allowance[column])
        alone = ~links.active[link] & (links.heard[link] >= table.heard[column] + OUTLIVED)
        wanted = silent & (active | alone) & (table.paused[column] <= now)
        out = []
        for at in np.flatnonzero(wanted != active).tolist():
            one = int(column[at])
            table.active[one] = wanted[at]
            patient, device = int(axis.people(column[at : at + 1])[0]), int(axis.others(column[at : at + 1])[0])
            measured = int(table.measured[one]) or None
            out.append(technical(int(owner[at]), now, patient, RULE, device, begins=bool(wanted[at]), measured=measured))
        return out

    def drop(self, partition: int, patients: Sequence[int]) -> None:
        self._pausing.drop(patients)
        self._rules.pop(partition, None)
