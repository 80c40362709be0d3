"""Suppression: everything that keeps rules from raising a condition, in one place.

==================  ====================================================  =================================================
Reason              Who says so                                           What it means for a rule
==================  ====================================================  =================================================
paused              the control record ``Pauses``, by patient and rule    a condition ends, and none begins
withdrawn           the control record ``Consent``, by patient            a technical condition ends, and none begins
unworn              :mod:`alerts.rules.silence.sensor_off`, by device     a physiological condition ends, and none begins
sensor off          :mod:`alerts.rules.silence.sensor_off`, by device     no physiological condition begins
superseded          :mod:`alerts.rules.sources`, by series                the series decides nothing: another one does
apart               :mod:`alerts.rules.agreement`, by series              sources disagree: nothing above medium is decided
pipeline stopped    the engine's timeline, by partition                   nothing is decided (``Moment.replaying``)
==================  ====================================================  =================================================

A rule that is not evaluated every second asks :meth:`Suppression.changed` what has to be looked at for such a reason.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Final

import numpy as np

from alerts.rules.layers.chosen import Chosen
from devices.wire.batch import partition_of
from devices.wire.control import Consent, Control, Pauses
from streams.engine.columns.arrays import NO_INTS, Bools, Cells, Ints
from streams.engine.columns.axis import Columns, array
from streams.engine.condition import Condition
from streams.engine.series.newest import NEVER
from streams.engine.series.series import CONTINUOUS
from streams.engine.series.series_store import SeriesStore
from streams.engine.stage import Moment, Stage, View

EVERY_RULE: Final = "*"
"""A pause of this name pauses all rules of a patient."""


class Muted(Columns):
    """Per series: ``unworn`` bool: its device was taken away; ``sensor_off`` bool; ``superseded`` bool: another device
    decides, ``by`` int32; ``leads`` bool: it decides instead of others; ``covered`` bool: superseded by a preferred one that
    is live, so that nothing is missed if this one fails; ``apart`` bool: it is live, and the sources disagree.
    """

    unworn: Bools = array(np.bool_)
    sensor_off: Bools = array(np.bool_)
    superseded: Bools = array(np.bool_)
    leads: Bools = array(np.bool_)
    by: Cells = array(np.int32)
    covered: Bools = array(np.bool_)
    apart: Bools = array(np.bool_)

    def detail(self, column: int) -> dict[str, object]:
        """The part of a condition's detail that names the device which took over: {"handed_over": device}, or {}."""
        return {"handed_over": int(self.by[column])} if self.superseded[column] else {}


class Suppression(Stage):
    """Stands before all rules.  ``chosen``: the rule set of each patient.  ``changed_patients``: patients (numbers) whose
    pauses changed, or ended, at this second.
    """

    learns: Collection[type[Control]] = (Pauses, Consent, *Chosen.learns)

    def __init__(self) -> None:
        self.chosen = Chosen()
        self.raised: list[tuple[int, str, int]] = []  # this second: patient, rule, 1: begins, -1: ends
        self._until: dict[int, dict[str, int]] = {}  # by patient and rule: the first second in which it is not paused
        self._withdrawn: set[int] = set()
        self.agreed_again: set[int] = set()  # patients whose last consent ended a withdrawal
        self._next: dict[int, int] = {}  # by patient: the second in which the rules have to look again
        self.changed_patients: list[int] = []
        self._switched: tuple[list[Ints], list[Ints]] = ([], [])  # continuous and episodic series
        self._sensors: tuple[list[int], list[int]] = ([], [])  # series whose sensor was put on or taken off

    def attach(self, view: View) -> None:
        self.view = view
        self.chosen.attach(view)
        self._muted = Muted(view.layout.dense.axis, "muted"), Muted(view.layout.sparse.axis, "muted")

    def _kind(self, store: SeriesStore) -> int:
        return int(store is not self.view.layout.dense)

    def muted(self, store: SeriesStore) -> Muted:
        """The reasons that concern the series of a store."""
        return self._muted[self._kind(store)]

    def paused(self, patient: Ints | Cells, now: int, rule: str | Callable[[int], str]) -> Bools:
        """Which of some patients (numbers, int64 [n]) have a rule paused at second ``now``.

        ``rule``: its name, or a function that gives the name for a place in ``patient``.
        """
        found = np.zeros(len(patient), np.bool_)
        if self._until:
            for at in np.flatnonzero(np.isin(patient, list(self._until))).tolist():
                until = self._until[int(patient[at])]
                name = rule if isinstance(rule, str) else rule(at)
                found[at] = max(until.get(EVERY_RULE, 0), until.get(name, 0)) > now
        return found

    def withdrawn(self, patient: Ints | Cells) -> Bools:
        """Which of some patients (numbers, int64 [n]) have withdrawn their consent."""
        if not self._withdrawn:
            return np.zeros(len(patient), np.bool_)
        found: Bools = np.isin(patient, list(self._withdrawn))
        return found

    def changed(self, store: SeriesStore) -> Ints:
        """The series (int64 [k], perhaps some twice) for which something above has begun or ended at this second."""
        kind, found = self._kind(store), [NO_INTS]
        for partition in {partition_of(patient) for patient in self.changed_patients}:
            columns = store.axis.of(partition)
            found.append(np.flatnonzero(np.isin(store.series.patient[columns], self.changed_patients)) + columns.start)
        return np.concatenate([*found, *self._switched[kind], np.array(self._sensors[kind], np.int64)])

    def changed_rows(self) -> Ints:
        """The columns of ``changed_patients`` on the axis of patients, int64 [k]."""
        return np.array([self.view.layout.patients.at(patient) for patient in self.changed_patients], np.int64)

    def sensor_changed(self, sender: int, off: bool) -> None:
        """The sensor of a sender (its column) was taken off, or is on again."""
        for kind, column in self._series_of(sender):
            self._muted[kind].sensor_off[column] = off
            self._sensors[kind].append(column)

    def set_worn(self, sender: int, worn: bool) -> None:
        """A sender (its column) is worn by its patient, or was taken away; the rules look by the control record itself."""
        for kind, column in self._series_of(sender):
            self._muted[kind].unworn[column] = not worn

    def _series_of(self, sender: int) -> list[tuple[int, int]]:
        """(0: continuous, 1: episodic; the column) of each series of a sender."""
        layout = self.view.layout
        owner, found = layout.senders.owner[sender], []
        for vital, within in enumerate(layout.where.column[:, sender].tolist()):
            if within >= 0:
                kind = 0 if CONTINUOUS[vital] else 1
                found.append((kind, int(self._muted[kind].axis.start[owner]) + within))
        return found

    def supersede(self, store: SeriesStore, column: Ints, leads: Bools, led: Bools, by: Ints, covered: Bools) -> None:
        """Which of some series (int64 [k], unique) decide, bool [k]; which are superseded, bool [k], by which device, int64
        [k]; and which of those are covered, bool [k].
        """
        kind, muted = self._kind(store), self.muted(store)
        switched = column[(muted.superseded[column] != led) | (muted.leads[column] != leads)]
        if switched.size:
            self._switched[kind].append(switched)
        muted.leads[column], muted.superseded[column] = leads, led
        muted.by[column], muted.covered[column] = by, covered

    def set_apart(self, store: SeriesStore, column: Ints, apart: Bools) -> None:
        """Which of some series (int64 [k], unique) are live and of sources that disagree, bool [k]."""
        kind, muted = self._kind(store), self.muted(store)
        switched = column[muted.apart[column] != apart]
        if switched.size:
            self._switched[kind].append(switched)
            muted.apart[switched] = ~muted.apart[switched]

    def switched(self, store: SeriesStore) -> Ints:
        """The series (int64 [k], perhaps some twice) that became superseded or apart at this second, began to decide, or
        no longer do or are.
        """
        return np.concatenate([NO_INTS, *self._switched[self._kind(store)]])

    def learn(self, partition: int, patient: int, control: Control) -> None:
        self.chosen.learn(partition, patient, control)
        if isinstance(control, Consent):
            self.agreed_again.discard(patient)
            if control.given and patient in self._withdrawn:
                self.agreed_again.add(patient)
            (self._withdrawn.discard if control.given else self._withdrawn.add)(patient)
        if isinstance(control, Pauses):
            until: dict[str, int] = {}
            for pause in control.pauses:
                until[pause.rule] = max(-(-pause.until // 1000), until.get(pause.rule, 0))
            self._until.pop(patient, None)
            if until:
                self._until[patient] = until
            self._next[patient] = 0

    def idle_until(self, now: int) -> int:
        return min(self._next.values(), default=NEVER)

    def evaluate(self, moment: Moment) -> Sequence[Condition]:
        self.changed_patients, self._switched, self._sensors, self.raised = [], ([], []), ([], []), []
        if self._next and not moment.replaying:
            member = moment.member
            self.changed_patients = [
                patient
                for patient, second in self._next.items()
                if second <= moment.now and (member is None or member[partition_of(patient)])
            ]
            for patient in self.changed_patients:
                later = [second for second in self._until.get(patient, {}).values() if second > moment.now]
                del self._next[patient]
                if later:
                    self._next[patient] = min(later)
        return ()

    def drop(self, partition: int, patients: Sequence[int]) -> None:
        self.chosen.drop(partition, patients)
        for patient in patients:
            self._withdrawn.discard(patient)
            self.agreed_again.discard(patient)
            self._until.pop(patient, None)
            self._next.pop(patient, None)
