"""No data: an enrolled device that should report by itself (``interval_s`` > 0) is silent.

It is heard when a sample of it arrives that is not older than five minutes (or than its own allowance): a drained backlog
does not make a device alive.  It is silent after ``no_data_factor`` intervals + ``no_data_extra_s`` active seconds.  While
its gateway is away the gateway's condition says so: the device's begins only if its gateway was heard well after it, and its
allowance starts again when the gateway is back (docs/decisions/0014-technical-conditions.md).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from alerts.rules.limits.bounds import HOLE, INTERVALS
from alerts.rules.silence.gateway_offline import GatewayOffline
from alerts.rules.silence.technical import TechnicalRule
from alerts.rules.suppression import Suppression
from alerts.rules.worn import worn
from devices.wire.control import Consent, Control, Enrolment, RuleSet
from streams.engine.columns.arrays import Bools, Cells, Ints
from streams.engine.columns.axis import Columns, array
from streams.engine.series.layout import LONGEST_INTERVAL
from streams.engine.series.newest import NEVER
from streams.engine.series.ring import LONGEST
from streams.engine.stage import Arrival, View

RULE: Final = "no_data"
OUTLIVED: Final = 5
"""s by which a gateway must have been heard after its device before the device alone is to blame."""


class Watched(Columns):
    """Per sender.  ``allowance`` int64 s (0: not watched), ``interval`` int64 s, ``heard`` int64 active second, ``link``
    int32: the gateway's link within the partition's slice, ``measured`` int64 ms of the newest sample.  ``last`` int64:
    active second of the last sample that was heard, ``begun``: of the first one without a hole since.
    """

    allowance: Ints = array(np.int64)
    interval: Ints = array(np.int64)
    received: Ints = array(np.int64)
    measured: Ints = array(np.int64)
    link: Cells = array(np.int32)
    active: Bools = array(np.bool_)
    last: Ints = array(np.int64, -NEVER)
    begun: Ints = array(np.int64, -NEVER)


class NoData(TechnicalRule):
    """``table``: :class:`Watched`; stands after ``gateways``."""

    name = RULE
    parameters = ("no_data_factor", "no_data_extra_s")
    table: Watched

    def __init__(self, suppression: Suppression, gateways: GatewayOffline) -> None:
        super().__init__(suppression)
        self._gateways = gateways

    def attach(self, view: View) -> None:
        super().attach(view)
        self.table = Watched(view.layout.senders, RULE)

    def control(self, now: int, partition: int, patient: int, control: Control) -> None:
        if isinstance(control, RuleSet):
            columns = self.table.axis.of(partition)
            self.table.allowance[columns] = self._allowance(partition, self.table.interval[columns])
        elif isinstance(control, Enrolment):
            self._enrol(now, partition, patient, control)

        elif isinstance(control, Consent) and control.given:
            self._listen_anew(now, partition, patient)

    def _listen_anew(self, now: int, partition: int, patient: int) -> None:
        """Nothing could be heard while consent was withdrawn."""
        if patient in self.suppression.agreed_again:
            columns = self.view.layout.senders.of_patient(patient)
            self.table.received[columns] = self.view.timeline.active(now, partition)

    def _allowance(self, partition: int, interval: Ints) -> Ints:
        """Seconds int64 [n] of silence for devices with an interval int64 [n]; 0 for those that need not report."""
        factor, extra = (self.parameter[name][partition] for name in self.parameters)
        return np.where(interval > 0, np.maximum(np.ceil(factor * interval).astype(np.int64) + extra, 1), 0)

    def _enrol(self, now: int, partition: int, patient: int, control: Enrolment) -> None:
        table, layout = self.table, self.view.layout
        current = worn(control, now)
        for column in layout.senders.of_patient(patient).tolist():
            one = current.get(self.who(column)[1])
            if one is None or one.interval_s <= 0:
                table.interval[column] = table.allowance[column] = 0
                continue
            if not table.allowance[column]:  # watched from now on
                table.received[column] = self.view.timeline.active(now, partition)
            table.interval[column] = min(one.interval_s, LONGEST_INTERVAL)
            table.allowance[column] = self._allowance(partition, table.interval[column])
            table.link[column] = layout.links.at(patient, one.gateway) - layout.links.start[partition]

    def arrive(self, arrival: Arrival) -> None:
        if not arrival.sender.size:
            return
        starts = np.flatnonzero(np.append(True, arrival.sender[1:] != arrival.sender[:-1]))
        sender, newest = arrival.sender[starts], np.maximum.reduceat(arrival.time, starts)
        live = newest // 1000 > arrival.now - np.maximum(LONGEST, self.table.allowance[sender])
        sender, newest = sender[live], newest[live]
        table, now = self.table, self.active_now(arrival.now, sender)
        table.received[sender] = np.maximum(table.received[sender], now)
        hole = np.maximum(HOLE, INTERVALS * self.view.layout.where.interval[sender])
        table.begun[sender] = np.where(now - table.last[sender] > hole, now, table.begun[sender])
        table.last[sender] = now
        np.maximum.at(table.measured, sender, newest)

    def suspect(self, columns: slice, now: int) -> Bools:
        allowance, received = self.table.allowance[columns], self.table.received[columns]
        silent: Bools = (allowance > 0) & (self.active_now(now, columns) - received > allowance)
        return silent

    def decide(self, column: Ints, now: int) -> tuple[Bools, Ints]:
        table, links = self.table, self._gateways.table
        link = links.axis.start[table.axis.owner[column]] + table.link[column]
        active, received = table.active[column], table.received[column]
        since = np.where(active, received, np.maximum(received, links.back[link]))
        silent = (table.allowance[column] > 0) & (self.active_now(now, column) - since > table.allowance[column])
        alone = ~links.active[link] & (links.received[link] >= received + OUTLIVED)
        return silent & (active | alone), table.measured[column]
