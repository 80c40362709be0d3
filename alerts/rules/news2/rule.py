"""Partial NEWS2 as a rule ("news2"): medium and high from ``RuleSet.news2_medium`` and ``news2_high`` on.

The newest valid value of each input counts, whichever device measured it (of equal age the lower device number) unless
the rule set prefers one (:mod:`alerts.rules.sources`); the pulse
is the heart rate where that is valid, else the pulse rate.  Oxygen and consciousness are standing facts.  What is too old is
missing; under four inputs, under 16 years, of unknown age or in pregnancy there is no score and so no condition
(:mod:`alerts.rules.news2.score`).

The score is looked at in seconds of the clock, of those patients only whose score can have changed: an input left the range
in which its points stay the same, became valid again or is about to lapse.  A level begins when the score has stood at it
for ``news2_hold_s``: on the active clock, or in measured time where a backlog brings more
(docs/decisions/0015-score-hold.md).  It ends at once.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime
from typing import Any, ClassVar, Final

import numpy as np

from alerts.rules.news2.score import CONSCIOUSNESS, FEWEST, MINIMUM_AGE, News2, score
from alerts.rules.news2.score_fixed import UNKNOWN, score_fixed
from alerts.rules.pausing import Pausing
from alerts.rules.sources import Sources
from devices.sample import STEPS
from devices.vitals import FIXED_MAX, Vital
from devices.wire.batch import PARTITIONS
from devices.wire.control import Control, Facts, Pauses, RuleSet
from devices.wire.event import Event
from streams.engine.columns.arrays import Bools, Cells, Ints, distinct
from streams.engine.columns.axis import Columns, Field
from streams.engine.condition import Condition, Phase, Priority
from streams.engine.series.dense import DenseSeries
from streams.engine.series.newest import NEVER
from streams.engine.series.sparse import SparseSeries
from streams.engine.stage import Arrival, Moment, View

RULE: Final = "news2"
_INPUTS: Final = (
    Vital.RESPIRATORY_RATE,
    Vital.SPO2,
    Vital.SYSTOLIC,
    Vital.PULSE_RATE,
    Vital.TEMPERATURE,
    Vital.HEART_RATE,
)
_RR, _SPO2, _SBP, _PR, _TEMP, _HR = range(len(_INPUTS))  # as the score takes them; a heart rate replaces the pulse rate
_INPUT_OF: Final[Ints] = np.full(256, -1, np.int64)
_INPUT_OF[list(_INPUTS)] = np.arange(len(_INPUTS))
_STEPS: Final = STEPS[list(_INPUTS)]
assert _STEPS[_HR] == _STEPS[_PR]
_DEFAULT: Final = RuleSet(version=0)
_DAY: Final = 86_400
_PRIORITY: Final = {1: Priority.MEDIUM, 2: Priority.HIGH}
_ALL: Final = ((0,), (FIXED_MAX,))
"""A range that no value leaves."""
_NONE: Final = np.array([FIXED_MAX, 0])[:, None, None]
"""A range that no value is in."""


class Inputs(Columns):
    """Per patient.  Of the newest value of each input: ``at`` int64 measured ms, ``value`` int32 fixed point, ``device``
    int64, ``expires`` int64 active second.  Facts: ``scale2`` bool, ``oxygen`` and ``acvpu`` int8 (-1: not known),
    ``old_enough`` int64: second from which there may be a score.  ``stands`` bool [level] with ``from_run`` and
    ``from_measured`` int64 [level] s; ``level`` int8 told; ``paused`` int64 clock s.  Derived: ``calm`` int32 [2, input]:
    the values from and to which nothing changes (from above to: none); ``wake`` int64 clock s: not to be looked at before.
    """

    FIELDS: ClassVar = {
        "at": Field(np.int64, -NEVER, (len(_INPUTS),)),
        "value": Field(np.int32, 0, (len(_INPUTS),)),
        "device": Field(np.int64, 0, (len(_INPUTS),)),
        "expires": Field(np.int64, -NEVER, (len(_INPUTS),)),
        "scale2": Field(np.bool_, False),
        "oxygen": Field(np.int8, UNKNOWN),
        "acvpu": Field(np.int8, UNKNOWN),
        "old_enough": Field(np.int64, NEVER),
        "stands": Field(np.bool_, False, (2,)),
        "from_run": Field(np.int64, 0, (2,)),
        "from_measured": Field(np.int64, 0, (2,)),
        "level": Field(np.int8, 0),
        "paused": Field(np.int64, 0),
        "calm": Field(np.int32, -1, (2, len(_INPUTS))),
        "wake": Field(np.int64, NEVER),
    }
    at: Ints
    value: Cells
    device: Ints
    expires: Ints
    scale2: Bools
    oxygen: np.ndarray[tuple[int, ...], np.dtype[np.int8]]
    acvpu: np.ndarray[tuple[int, ...], np.dtype[np.int8]]
    old_enough: Ints
    stands: Bools
    from_run: Ints
    from_measured: Ints
    level: np.ndarray[tuple[int, ...], np.dtype[np.int8]]
    paused: Ints
    calm: Cells
    wake: Ints


class EarlyWarning:
    """A :class:`streams.engine.stage.Stage`."""

    learns: Collection[type[Control]] = (RuleSet, Facts, Pauses)
    view: View
    inputs: Inputs

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._pausing = Pausing()
        self._facts: dict[int, Facts] = {}
        self._threshold: Ints = np.empty((2, PARTITIONS), np.int64)
        self._hold: Ints = np.empty(PARTITIONS, np.int64)
        self._threshold[:] = [[_DEFAULT.news2_medium], [_DEFAULT.news2_high]]
        self._hold[:] = _DEFAULT.news2_hold_s

    def attach(self, view: View) -> None:
        self.view, self.inputs = view, Inputs(view.layout.patients, RULE)

    def learn(self, partition: int, patient: int, control: Control) -> None:
        if isinstance(control, RuleSet):
            self._threshold[:, partition] = control.news2_medium, control.news2_high
            self._hold[partition] = control.news2_hold_s
        elif isinstance(control, Facts):
            self._facts[patient] = control
        elif isinstance(control, Pauses):
            self._pausing.learn(patient, control)

    def control(self, now: int, partition: int, patient: int, control: Control) -> None:
        table, axis = self.inputs, self.view.layout.patients
        if isinstance(control, RuleSet):
            table.wake[axis.of(partition)] = 0
            return
        row = axis.at(patient)
        if row < 0:
            return
        if isinstance(control, Facts):
            table.scale2[row] = control.spo2_scale == 2
            table.oxygen[row] = UNKNOWN if control.oxygen is None else control.oxygen
            table.acvpu[row] = UNKNOWN if control.consciousness is None else CONSCIOUSNESS[control.consciousness]
            table.old_enough[row] = _old_enough(control)
        elif isinstance(control, Pauses):
            table.paused[row] = self._pausing.until(patient, RULE)
        else:
            return
        table.wake[row] = 0

    def event(self, now: int, patient: int, device: int, gateway: int, event: Event) -> None:
        """Events are no inputs."""

    def arrive(self, arrival: Arrival) -> None:
        """Inputs are taken when they become visible."""

    def evaluate(self, moment: Moment) -> list[Condition]:
        axis, table = self.view.layout.patients, self.inputs
        dense, sparse = self.view.stores
        both = ((dense, moment.dense), (sparse, moment.sparse))
        touched = [self._learn(store, updates.series, moment.now) for store, updates in both]
        touched += [self._choose(dense, self._sources.switched[0]), self._choose(sparse, self._sources.switched[1])]
        columns, mask = axis.span(moment.partitions, moment.member)
        if not moment.decide:  # at the second in which time goes on everything is looked at
            return []
        due = table.wake[columns] <= moment.now
        if mask is not None:
            due &= mask
        touched.append(np.flatnonzero(due) + columns.start)
        touched += [np.arange(axis.width)[axis.of(partition)] for partition in moment.again.tolist()]
        rows = distinct(np.concatenate(touched), axis.width)
        return self._decide(rows, moment.now) if rows.size else []

    def _learn(self, store: DenseSeries | SparseSeries, column: Ints, now: int) -> Ints:
        """Take in the newest values of some series (int64, unique); the rows of patients whose score may be another now."""
        column = column[~self._sources.standing(store).overruled[column]]
        if not column.size:
            return column
        which = _INPUT_OF[store.series.vital[column]]
        column, which = column[which >= 0], which[which >= 0]
        layout, table, newest = self.view.layout, self.inputs, store.newest
        row: Ints = layout.patient_of(store, column)
        at, device = newest.second[column] * 1000 + newest.ms[column], store.series.device[column].astype(np.int64)
        old, from_device = table.at[which, row], table.device[which, row]
        receded = (device == from_device) & (at < old)  # a clock was set back into this very second: is another newer?
        if receded.any():
            return np.concatenate((self._choose(store, column[receded]), self._learn(store, column[~receded], now)))
        better = (at > old) | ((at == old) & (device <= from_device)) | (device == from_device)
        column, which, at, device = column[better], which[better], at[better], device[better]
        row = row[better]
        place = row * len(_INPUTS) + which
        if len(distinct(place, table.at.size)) < len(row):  # two devices: the newest, then the lower number, stands
            order = np.lexsort((-device, at))
            column, which, row, at, device = column[order], which[order], row[order], at[order], device[order]
        value, expires = newest.value[column], newest.expires[column]
        was = table.expires[which, row]
        running = now - self.view.timeline.stalled_s[layout.patients.owner[row]]
        calm = (value >= table.calm[0, which, row]) & (value <= table.calm[1, which, row])
        calm &= (was > running) & (expires >= was)
        table.at[which, row], table.device[which, row] = at, device
        table.value[which, row], table.expires[which, row] = value, expires
        stirred: Ints = row[~calm]
        return stirred

    def _choose(self, store: DenseSeries | SparseSeries, switched: Ints) -> Ints:
        """Take the inputs anew of which another device decides now; the rows of their patients."""
        switched = switched[_INPUT_OF[store.series.vital[switched]] >= 0]
        if not switched.size:
            return switched
        rows = self.view.layout.patient_of(store, switched)
        self.inputs.at[_INPUT_OF[store.series.vital[switched]], rows] = -NEVER
        columns = np.arange(store.axis.width)[np.isin(store.series.patient, store.series.patient[switched])]
        self._learn(store, columns[store.newest.second[columns] > -NEVER], 0)
        return rows

    def set_back(self, partition: int, now: int) -> None:
        """What is newest may be another device's now."""
        self.inputs.at[:, self.view.layout.patients.of(partition)] = -NEVER
        for store in self.view.stores:
            columns = np.arange(store.axis.width)[store.axis.of(partition)]
            self._learn(store, columns[store.newest.second[columns] > -NEVER], now)

    def _decide(self, rows: Ints, now: int) -> list[Condition]:
        table = self.inputs
        owner = self.view.layout.patients.owner[rows]
        running = now - self.view.timeline.stalled_s[owner]
        valid = table.expires[:, rows] > running
        value, pulse = table.value[:, rows], valid.copy()
        value[_PR] = np.where(valid[_HR], value[_HR], value[_PR])
        pulse[_PR] |= valid[_HR]
        total, present, same = score_fixed(
            value[:_HR], pulse[:_HR], table.oxygen[rows], table.acvpu[rows], table.scale2[rows]
        )
        counts = (present >= FEWEST) & (table.old_enough[rows] <= now) & (table.paused[rows] <= now)
        newest = np.where(valid, table.at[:, rows], -NEVER).max(0) // 1000
        level = np.zeros(len(rows), np.int8)
        lapse = np.where(valid, now + table.expires[:, rows] - running, NEVER).min(0)
        wake = np.where(counts | (table.level[rows] > 0), lapse, NEVER)
        hold = self._hold[owner]
        settled = np.ones(len(rows), np.bool_)
        for which in (0, 1):
            reached = counts & (total >= self._threshold[which, owner])
            fresh = reached & ~table.stands[which, rows]
            table.from_run[which, rows] = np.where(fresh, running, table.from_run[which, rows])
            table.from_measured[which, rows] = np.where(fresh, newest, table.from_measured[which, rows])
            table.stands[which, rows] = reached
            stood = running - table.from_run[which, rows]
            lasted = np.maximum(stood, newest - table.from_measured[which, rows]) >= hold
            level[reached & lasted] = which + 1
            wake = np.where(reached & ~lasted, np.minimum(wake, now + hold - stood), wake)
            settled &= ~reached | lasted  # while a hold runs, every input may end it
        was = table.level[rows]
        table.level[rows] = level
        for until in (table.paused[rows], table.old_enough[rows]):
            wake = np.where(until > now, np.minimum(wake, until), wake)
        table.wake[rows] = wake
        table.calm[:, :_HR, rows] = np.where(settled, same, _NONE)
        table.calm[:, _HR, rows] = table.calm[:, _PR, rows]
        table.calm[:, _PR, rows[settled & valid[_HR]]] = _ALL
        return [
            self._condition(int(rows[at]), int(was[at]), int(level[at]), int(newest[at]), now)
            for at in np.flatnonzero(was != level).tolist()
        ]

    def _condition(self, row: int, was: int, level: int, newest: int, now: int) -> Condition:
        axis = self.view.layout.patients
        partition, patient = int(axis.owner[row]), int(axis.people(slice(row, row + 1))[0])
        phase: Phase = "end" if not level else "onset" if not was else "worse" if level > was else "better"
        told, found = level or was, self._explained(row, patient, now)
        detail: dict[str, Any] = {"missing": list(found.missing)}
        if isinstance(found, News2):
            detail |= {"total": found.total, "single3": found.single3, "parts": found.parts, "ages_s": found.ages_s}
        else:
            detail["refused"] = found.why
        return Condition(
            partition,
            now,
            patient,
            RULE,
            0,
            phase,
            _PRIORITY[told],
            "physiological",
            value=float(found.total) if isinstance(found, News2) else None,
            limit=float(self._threshold[told - 1, partition]),
            measured=newest * 1000 if newest > 0 else None,
            detail=detail,
        )

    def _explained(self, row: int, patient: int, now: int) -> Any:
        """The score with its parts, as people are shown it."""
        table = self.inputs
        running = now - int(self.view.timeline.stalled_s[self.view.layout.patients.owner[row]])
        valid = table.expires[:, row] > running
        pulse = _HR if valid[_HR] else _PR
        named = {"respiratory_rate": _RR, "spo2": _SPO2, "systolic": _SBP, "pulse": pulse, "temperature": _TEMP}
        values: dict[str, float | bool | str | None] = {}
        ages: dict[str, int] = {}
        for name, which in named.items():
            if valid[which]:
                values[name] = float(table.value[which, row] / _STEPS[which])
                ages[name] = max(0, now - int(table.at[which, row]) // 1000)
        found = score(values, self._facts.get(patient, Facts()), on=datetime.fromtimestamp(now, UTC).date())
        if isinstance(found, News2):
            found.ages_s.update(ages)
        return found

    def drop(self, partition: int, patients: Sequence[int]) -> None:
        self._pausing.drop(patients)
        for patient in patients:
            self._facts.pop(patient, None)
        self._threshold[:, partition] = _DEFAULT.news2_medium, _DEFAULT.news2_high
        self._hold[partition] = _DEFAULT.news2_hold_s


def _old_enough(facts: Facts) -> int:
    """The second from which NEWS2 may be computed for somebody; ``NEVER`` in pregnancy and where the age is not known."""
    if facts.pregnant or facts.born is None:
        return NEVER
    try:
        born = date.fromisoformat(facts.born)
        birthday = date(born.year + MINIMUM_AGE, born.month, born.day)
    except ValueError:
        if not facts.born.endswith("02-29"):
            return NEVER
        birthday = date(int(facts.born[:4]) + MINIMUM_AGE, 3, 1)
    return (birthday - date(1970, 1, 1)).days * _DAY
