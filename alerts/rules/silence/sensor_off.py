"""Sensor off: a device says, for ``RuleSet.sensor_off_s`` of measured time, that it is not on the body.

Said by the status of its samples (sensor off, poor contact) without a good one since, or by a contact event (at once).
It ends with a good sample, or with a contact event that says on.  While it lasts no physiological condition of that device
begins.
Of the past a window of 64 s before the newest such sample is kept, a bit a second.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt

from alerts.rules.pausing import Pausing
from alerts.rules.silence.technical import technical
from devices.sample import Status
from devices.wire.batch import PARTITIONS
from devices.wire.control import Control, Enrolment, Pauses, RuleSet
from devices.wire.event import Contact, Event
from streams.engine.columns.arrays import Bools, Ints
from streams.engine.columns.axis import Columns, Field
from streams.engine.condition import Condition
from streams.engine.series.newest import NEVER
from streams.engine.series.ring import AHEAD
from streams.engine.stage import Arrival, Moment, View

RULE: Final = "sensor_off"
LONGEST_HOLD: Final = 63
"""s: a longer hold counts as this."""
FRESH: Final = 900
"""s: what was measured earlier begins nothing."""
_DEFAULT: Final = RuleSet(version=0).sensor_off_s
_ONE: Final = np.uint64(1)


class Contacts(Columns):
    """Per sender, measured seconds int64: newest ``good`` sample, newest ``off`` one, newest contact events ``loose`` and
    ``on``.  ``seconds`` uint64: bit i says that there is an off sample in second off - i.
    """

    FIELDS: ClassVar = {
        "good": Field(np.int64, -NEVER),
        "off": Field(np.int64, -NEVER),
        "seconds": Field(np.uint64, 0),
        "loose": Field(np.int64, -NEVER),
        "on": Field(np.int64, -NEVER),
        "watched": Field(np.bool_, False),
        "active": Field(np.bool_, False),
        "paused": Field(np.int64, 0),
    }
    good: Ints
    off: Ints
    seconds: npt.NDArray[np.uint64]
    loose: Ints
    on: Ints
    watched: Bools
    active: Bools
    paused: Ints


class SensorOff:
    """A :class:`streams.engine.stage.Stage`.  ``switched``: columns of senders whose condition changed last."""

    learns: Collection[type[Control]] = (RuleSet, Pauses)
    contacts: Contacts
    view: View

    def __init__(self) -> None:
        self.switched: list[int] = []
        self._pausing = Pausing()
        self._hold: Ints = np.full(PARTITIONS, _DEFAULT, np.int64)

    def attach(self, view: View) -> None:
        self.view, self.contacts = view, Contacts(view.layout.senders, RULE)

    def learn(self, partition: int, patient: int, control: Control) -> None:
        if isinstance(control, RuleSet):
            self._hold[partition] = min(max(control.sensor_off_s, 0), LONGEST_HOLD)
        elif isinstance(control, Pauses):
            self._pausing.learn(patient, control)

    def control(self, now: int, partition: int, patient: int, control: Control) -> None:
        if isinstance(control, Enrolment):
            current = {one.device for one in control.devices if one.until is None or one.until > now * 1000}
            for column in self.view.layout.senders.of_patient(patient).tolist():
                device = int(self.view.layout.senders.others(slice(column, column + 1))[0])
                self.contacts.watched[column] = device in current
                self.contacts.paused[column] = self._pausing.until(patient, RULE)
        elif isinstance(control, Pauses):
            self.contacts.paused[self.view.layout.senders.of_patient(patient)] = self._pausing.until(patient, RULE)

    def event(self, now: int, patient: int, device: int, gateway: int, event: Event) -> None:
        if isinstance(event, Contact) and event.at // 1000 <= now + AHEAD:
            column = self.view.layout.senders.at(patient, device)
            if column >= 0:
                said = self.contacts.on if event.on else self.contacts.loose
                said[column] = max(int(said[column]), event.at // 1000)

    def arrive(self, arrival: Arrival) -> None:
        if not arrival.sender.size:
            return
        table, second = self.contacts, arrival.time // 1000
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
        table, which = self.contacts, np.unique(sender)
        before = table.off[which]
        np.maximum.at(table.off, sender, second)
        moved = table.off[which] - before
        kept = table.seconds[which] << np.minimum(moved, 63).astype(np.uint64)
        table.seconds[which] = np.where(moved < 64, kept, np.uint64(0))
        age = table.off[sender] - second
        inside = age < 64
        np.bitwise_or.at(table.seconds, sender[inside], _ONE << age[inside].astype(np.uint64))

    def evaluate(self, moment: Moment) -> list[Condition]:
        self.switched = []
        if not moment.decide:
            return []
        axis, table = self.view.layout.senders, self.contacts
        columns, mask = axis.span(moment.partitions, moment.member)
        said = np.maximum(table.off[columns], table.loose[columns])
        denied = np.maximum(table.good[columns], table.on[columns])
        looked = table.active[columns] | (said > np.maximum(denied, moment.now - FRESH))
        if mask is not None:
            looked &= mask
        column = np.flatnonzero(looked) + columns.start
        return self._decide(moment.now, column) if column.size else []

    def set_back(self, partition: int, now: int) -> None:
        table, columns = self.contacts, self.view.layout.senders.of(partition)
        for said in (table.good, table.loose, table.on):
            np.minimum(said[columns], now, out=said[columns])
        ahead = table.off[columns] > now
        table.off[columns][ahead], table.seconds[columns][ahead] = -NEVER, 0

    def _decide(self, now: int, column: Ints) -> list[Condition]:
        axis, table = self.view.layout.senders, self.contacts
        off, loose = table.off[column], table.loose[column]
        denied = np.maximum(table.good[column], table.on[column])
        newest = np.maximum(off, loose)
        since = np.clip(off - denied, 0, 64).astype(np.uint64)  # bits of seconds after the last good one
        bits = table.seconds[column] & np.where(since > 63, ~np.uint64(0), (_ONE << np.minimum(since, 63)) - _ONE)
        lasted = (off > np.maximum(denied, now - FRESH)) & (_highest(bits) >= self._hold[axis.owner[column]])
        begins = lasted | (loose > np.maximum(denied, now - FRESH))
        active = table.active[column]
        wanted = table.watched[column] & (newest > denied) & (begins | active) & (table.paused[column] <= now)
        out = []
        for at in np.flatnonzero(wanted != active).tolist():
            one = slice(int(column[at]), int(column[at]) + 1)
            table.active[one] = wanted[at]
            self.switched.append(int(column[at]))
            out.append(
                technical(
                    int(axis.owner[column[at]]),
                    now,
                    int(axis.people(one)[0]),
                    RULE,
                    int(axis.others(one)[0]),
                    begins=bool(wanted[at]),
                    measured=int(newest[at] if wanted[at] else max(newest[at], denied[at])) * 1000,
                )
            )
        return out

    def drop(self, partition: int, patients: Sequence[int]) -> None:
        self._pausing.drop(patients)
        self._hold[partition] = _DEFAULT


def _highest(bits: npt.NDArray[np.uint64]) -> Ints:
    """Index int64 [n] of the highest bit set, -1 where none is."""
    high = bits >> np.uint64(32)
    part = np.where(high > 0, high, bits & np.uint64(0xFFFFFFFF)).astype(np.float64)  # exact: 32 bits
    _, exponent = np.frexp(part)
    found: Ints = exponent.astype(np.int64) - 1 + np.where(high > 0, 32, 0)
    return found
