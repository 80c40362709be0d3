"""Sensor off: a device says, for ``RuleSet.sensor_off_s`` of measured time, that it is not on the body.

It says so by the status of its samples (sensor off, poor contact) without a good one since, or by a contact event (at once).
The condition ends with a good sample, or with a contact event that says on.  While it lasts no physiological condition of
that device begins (:mod:`alerts.rules.suppression`).  The rule keeps the 64 s before the newest such sample, a bit a second.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from alerts.rules.silence.technical import TechnicalRule
from alerts.rules.worn import worn
from devices.sample import Status
from devices.wire.control import Control, Enrolment
from devices.wire.event import Contact, Event
from streams.engine.columns.arrays import Bools, Ints
from streams.engine.columns.axis import Columns, array
from streams.engine.columns.keyed_axis import keys
from streams.engine.series.newest import NEVER
from streams.engine.series.ring import AHEAD
from streams.engine.series.series_store import SeriesStore
from streams.engine.stage import Arrival, View

RULE: Final = "sensor_off"
LONGEST_HOLD: Final = 63
"""s: a longer hold counts as this."""
FRESH: Final = 900
"""s: what was measured earlier begins nothing."""
_ONE: Final = np.uint64(1)


class Contacts(Columns):
    """Per sender, measured seconds int64: newest ``good`` sample, newest ``off`` one, newest contact events ``loose`` and
    ``on``.  ``seconds`` uint64: bit i says that there is an off sample in second off - i.
    """

    good: Ints = array(np.int64, -NEVER)
    off: Ints = array(np.int64, -NEVER)
    seconds: npt.NDArray[np.uint64] = array(np.uint64)
    loose: Ints = array(np.int64, -NEVER)
    on: Ints = array(np.int64, -NEVER)
    watched: Bools = array(np.bool_)
    active: Bools = array(np.bool_)


class SensorOff(TechnicalRule):
    """``table``: :class:`Contacts`."""

    name = RULE
    parameters = ("sensor_off_s",)
    table: Contacts

    def attach(self, view: View) -> None:
        super().attach(view)
        self.table = Contacts(view.layout.senders, RULE)
        view.layout.on_series(self._series_appeared)

    def _series_appeared(self, store: SeriesStore, columns: Ints) -> None:
        sender = self.view.layout.senders.find(keys(store.series.patient[columns], store.series.device[columns]))
        self.suppression.muted(store).sensor_off[columns] = self.table.active[sender]
        by_hand = store.series.device[columns] == 0  # a nurse's own observations are nobody's device
        self.suppression.muted(store).unworn[columns] = ~self.table.watched[sender] & ~by_hand

    def control(self, now: int, partition: int, patient: int, control: Control) -> None:
        if isinstance(control, Enrolment):
            columns = self.view.layout.senders.of_patient(patient)
            devices = self.view.layout.senders.others(columns)
            self.table.watched[columns] = np.isin(devices, list(worn(control, now)))
            for column, device in zip(columns.tolist(), devices.tolist(), strict=True):
                self.suppression.set_worn(column, not device or bool(self.table.watched[column]))

    def event(self, now: int, patient: int, device: int, gateway: int, event: Event) -> None:
        if isinstance(event, Contact) and event.at // 1000 <= now + AHEAD:
            column = self.view.layout.senders.at(patient, device)
            if column >= 0:
                newest = self.table.on if event.on else self.table.loose
                newest[column] = max(int(newest[column]), event.at // 1000)

    def arrive(self, arrival: Arrival) -> None:
        if not arrival.sender.size:
            return
        table, second = self.table, arrival.time // 1000
        good = arrival.status == Status.OK
        if not good.all():
            off = (arrival.status == Status.POOR_CONTACT) | (arrival.status == Status.SENSOR_OFF)
            self._add(arrival.sender[off], second[off])
            sender, second = arrival.sender[good], second[good]
        else:
            sender = arrival.sender
        if sender.size:
            starts = np.flatnonzero(np.append(True, sender[1:] != sender[:-1]))
            np.maximum.at(table.good, sender[starts], np.maximum.reduceat(second, starts))

    def _add(self, sender: Ints, second: Ints) -> None:
        """Off samples: move the windows to the newest, and set their bits."""
        if not sender.size:
            return
        table, which = self.table, np.unique(sender)
        before = table.off[which]
        np.maximum.at(table.off, sender, second)
        moved = table.off[which] - before
        kept = table.seconds[which] << np.minimum(moved, 63).astype(np.uint64)
        table.seconds[which] = np.where(moved < 64, kept, np.uint64(0))
        age = table.off[sender] - second
        inside = age < 64
        np.bitwise_or.at(table.seconds, sender[inside], _ONE << age[inside].astype(np.uint64))

    def set_back(self, partition: int, now: int) -> None:
        table, columns = self.table, self.table.axis.of(partition)
        for newest in (table.good, table.loose, table.on):
            np.minimum(newest[columns], now, out=newest[columns])
        ahead = table.off[columns] > now
        table.off[columns][ahead], table.seconds[columns][ahead] = -NEVER, 0

    def suspect(self, columns: slice, now: int) -> Bools:
        table = self.table
        off = np.maximum(table.off[columns], table.loose[columns])
        on = np.maximum(table.good[columns], table.on[columns])
        suspect: Bools = off > np.maximum(on, now - FRESH)
        return suspect

    def decide(self, column: Ints, now: int) -> tuple[Bools, Ints]:
        table = self.table
        off, loose = table.off[column], table.loose[column]
        on, newest = np.maximum(table.good[column], table.on[column]), np.maximum(off, loose)
        since = np.clip(off - on, 0, 64).astype(np.uint64)  # bits of seconds after the last good one
        bits = table.seconds[column] & np.where(since > 63, ~np.uint64(0), (_ONE << np.minimum(since, 63)) - _ONE)
        fresh = np.maximum(on, now - FRESH)
        hold = np.clip(self.value_of("sensor_off_s", column), 0, LONGEST_HOLD)
        begins = ((off > fresh) & (_highest(bits) >= hold)) | (loose > fresh)
        wanted = table.watched[column] & (newest > on) & (begins | table.active[column])
        return wanted, np.maximum(newest, on) * 1000

    def changed(self, column: int, begins: bool) -> None:
        self.suppression.sensor_changed(column, off=begins)


def _highest(bits: npt.NDArray[np.uint64]) -> Ints:
    """Index int64 [n] of the highest bit set, -1 where none is."""
    high = bits >> np.uint64(32)
    part = np.where(high > 0, high, bits & np.uint64(0xFFFFFFFF)).astype(np.float64)  # exact: 32 bits
    _, exponent = np.frexp(part)
    found: Ints = exponent.astype(np.int64) - 1 + np.where(high > 0, 32, 0)
    return found
