"""Partial NEWS2 as a rule ("news2"): medium and high from ``RuleSet.news2_medium`` and ``news2_high`` on.

The newest valid value of each input counts, of the source that limits judge as well (:mod:`alerts.rules.sources`); the pulse
is the heart rate, whoever measures it.  A score is of high priority only if it is so without the points of inputs whose
sources disagree (:mod:`alerts.rules.agreement`).
Oxygen and consciousness are standing facts.  An input that is too old is missing; under four inputs, under 16 years, of
unknown age or in pregnancy there is no score and so no condition (:mod:`alerts.rules.news2.score`).

A patient's score is computed only when it can have changed: an input left the range in which its points stay the same,
became valid again or is about to lapse.  A level begins when the score has stood at it for ``news2_hold_s``: on the active
clock, or in measured time where a backlog brings more (docs/decisions/0015-score-hold.md). It stands until the score is
below it by more than ``news2_hysteresis``, and ends at once, by values: an input that lapsed counts on with its last value
for a level that stands, and "news2_no_value" says that it cannot be assessed; not that of a device that was taken away.
"""

from __future__ import annotations

from calendar import isleap
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any, Final

import numpy as np

from alerts.rules.newest_inputs import NewestInputs, newest_inputs
from alerts.rules.news2.score import CONSCIOUSNESS, FEWEST, MINIMUM_AGE, News2, Refused, score
from alerts.rules.news2.score_fixed import UNKNOWN, VITAL_INPUTS, score_fixed
from alerts.rules.parameters import PARAMETER
from alerts.rules.rule import NONE, Rule
from alerts.rules.scheduled import Scheduled
from alerts.rules.suppression import Suppression
from devices.sample import STEPS
from devices.vitals import FIXED_MAX, Vital
from devices.wire.control import Control, Enrolment, Facts
from streams.engine.columns.arrays import Bools, Cells, Ints, Small
from streams.engine.columns.axis import array
from streams.engine.condition import Condition, Priority
from streams.engine.series.newest import NEVER
from streams.engine.series.series_store import SeriesStore
from streams.engine.stage import Moment, View

RULE: Final = "news2"
UNASSESSED: Final = "news2_no_value"
_INPUTS: Final = (Vital.RESPIRATORY_RATE, Vital.SPO2, Vital.SYSTOLIC, Vital.HEART_RATE, Vital.TEMPERATURE)
"""As the score takes them (:data:`alerts.rules.news2.score_fixed.VITAL_INPUTS`)."""
_INPUT_OF: Final[Ints] = np.full(256, -1, np.int64)
_INPUT_OF[list(_INPUTS)] = np.arange(len(_INPUTS))
_INPUT_OF[:] = _INPUT_OF[PARAMETER]
_STEPS: Final = STEPS[list(_INPUTS)]
_DAY: Final = 86_400
_LEVELS: Final = {Priority.MEDIUM: "news2_medium", Priority.HIGH: "news2_high"}
_NO_VALUE: Final = np.array([FIXED_MAX, 0])[:, None, None]
"""A range that no value is in."""


class Inputs(Scheduled):
    """Per patient.  ``expires`` int64 [input]: active second in which each input lapses.  Facts: ``scale2`` bool, ``oxygen``
    and ``acvpu`` int8 (-1: not known), ``old_enough`` int64: second from which there may be a score.  ``stands`` bool
    [level] with ``from_active`` and ``from_measured`` int64 [level] s; ``level`` int8: the priority of the condition,
    ``unassessed`` bool: it stands on inputs that lapsed; ``total`` int8: the score, -1: none.
    Derived: ``unchanged`` int32 [2, input]: the values from and to which nothing changes (from above to: none).
    """

    expires: Ints = array(np.int64, -NEVER, (len(_INPUTS),))
    scale2: Bools = array(np.bool_)
    oxygen: Small = array(np.int8, UNKNOWN)
    acvpu: Small = array(np.int8, UNKNOWN)
    old_enough: Ints = array(np.int64, NEVER)
    stands: Bools = array(np.bool_, lead=(2,))
    from_active: Ints = array(np.int64, lead=(2,))
    from_measured: Ints = array(np.int64, lead=(2,))
    level: Small = array(np.int8)
    unassessed: Bools = array(np.bool_)
    total: Small = array(np.int8, -1)
    unchanged: Cells = array(np.int32, -1, (2, len(_INPUTS)))


class EarlyWarning(Rule):
    """``table``: :class:`Inputs`."""

    learns: Collection[type[Control]] = (Facts,)
    quiet = True
    table: Inputs

    def __init__(self, suppression: Suppression) -> None:
        super().__init__(suppression)
        self._facts: dict[int, Facts] = {}

    def attach(self, view: View) -> None:
        super().attach(view)
        self.table = Inputs(view.layout.patients, RULE)

    def learn(self, partition: int, patient: int, control: Control) -> None:
        super().learn(partition, patient, control)
        if isinstance(control, Facts):
            self._facts[patient] = control

    def control(self, now: int, partition: int, patient: int, control: Control) -> None:
        table, axis = self.table, self.view.layout.patients
        self.notify_chosen(partition, patient, control)
        if isinstance(control, Facts):
            row = axis.at(patient)
            table.scale2[row] = control.spo2_scale == 2
            table.oxygen[row] = UNKNOWN if control.oxygen is None else control.oxygen
            table.acvpu[row] = UNKNOWN if control.consciousness is None else CONSCIOUSNESS[control.consciousness]
            table.old_enough[row] = _old_enough(control)
            self.notify_at(0, slice(row, row + 1))
        elif isinstance(control, Enrolment) and (row := axis.at(patient)) >= 0:  # a device may be taken away
            self.notify_at(0, slice(row, row + 1))

    def value_of(self, parameter: str, columns: Ints | slice) -> Ints:
        """The value of a parameter in the rule set of each patient."""
        rows = np.arange(columns.start, columns.stop) if isinstance(columns, slice) else columns
        return self.suppression.chosen.values(parameter, rows).astype(np.int64)

    def evaluate(self, moment: Moment) -> Sequence[Condition]:
        touched = [self.suppression.changed_rows()]
        for store, updates in zip(self.view.stores, (moment.dense, moment.sparse), strict=True):
            touched.append(self._touched(store, updates.series, moment.now))
            switched = self.suppression.switched(store)
            touched.append(self.view.layout.patient_of(store, switched[_INPUT_OF[store.series.vital[switched]] >= 0]))
        if moment.replaying:  # at the second in which time goes on everything is looked at
            return ()
        rows = self.due(moment, *touched)
        return self._decide(rows, moment.now) if rows.size else ()

    def _touched(self, store: SeriesStore, column: Ints, now: int) -> Ints:
        """The rows of patients whose score may be another since some series (int64, unique) have new values."""
        which = _INPUT_OF[store.series.vital[column]]
        counts = (which >= 0) & ~self.suppression.muted(store).superseded[column]
        column, which = column[counts], which[counts]
        row, value = self.view.layout.patient_of(store, column), store.newest.value[column]
        low, high = self.table.unchanged[0, which, row], self.table.unchanged[1, which, row]
        unchanged = (value >= low) & (value <= high) & (self.table.expires[which, row] > self.active_now(now, row))
        touched: Ints = row[~unchanged]
        return touched

    def _decide(self, rows: Ints, now: int) -> list[Condition]:
        table, axis = self.table, self.view.layout.patients
        running = self.active_now(now, rows)
        paused = self.suppression.paused(axis.people(rows), now, RULE)
        inputs = newest_inputs(self.view, self.suppression, _INPUTS, rows)
        table.expires[:, rows] = inputs.expires
        valid = inputs.expires > running
        facts = table.oxygen[rows], table.acvpu[rows], table.scale2[rows]
        total, present, same = score_fixed(inputs.value, valid, *facts)
        sure = total if not inputs.apart.any() else score_fixed(inputs.value, valid & ~inputs.apart, *facts)[0]
        counts = (present >= FEWEST) & (table.old_enough[rows] <= now) & ~paused
        table.total[rows] = np.where(counts, total, -1)
        newest = np.where(valid, inputs.at, -NEVER).max(0) // 1000
        level = np.full(len(rows), NONE, np.int8)
        lapse = np.where(valid, now + inputs.expires - running, NEVER).min(0)
        due = np.where(counts | (table.level[rows] > NONE), lapse, NEVER)
        hold = self.value_of("news2_hold_s", rows)
        settled = np.ones(len(rows), np.bool_)
        for which, (priority, threshold) in enumerate(_LEVELS.items()):
            enough = sure if priority == Priority.HIGH else total
            reached = counts & (enough >= self.value_of(threshold, rows))
            fresh = reached & ~table.stands[which, rows]
            table.from_active[which, rows] = np.where(fresh, running, table.from_active[which, rows])
            table.from_measured[which, rows] = np.where(fresh, newest, table.from_measured[which, rows])
            table.stands[which, rows] = reached
            stood = running - table.from_active[which, rows]
            lasted = np.maximum(stood, newest - table.from_measured[which, rows]) >= hold
            level[reached & lasted] = priority
            due = np.where(reached & ~lasted, np.minimum(due, now + hold - stood), due)
            settled &= ~reached | lasted  # while a hold runs, every input may end it
        was = table.level[rows]
        stays = np.where(counts, self._reached(rows, total, sure, self.value_of("news2_hysteresis", rows)), NONE)
        level = current = np.maximum(level, np.minimum(was, stays))
        if (was > level).any():
            old_enough = (table.old_enough[rows] <= now) & ~paused
            level = np.maximum(level, np.where(old_enough, np.minimum(was, self._last_known(rows, inputs)), NONE))
        table.level[rows] = level
        unassessed, before = level > current, table.unassessed[rows]
        table.unassessed[rows] = unassessed
        until = table.old_enough[rows]
        self.notify_at(np.where(until > now, np.minimum(due, until), due), rows)
        table.unchanged[:, :, rows] = np.where(settled, same, _NO_VALUE)
        return [
            self._changed(int(rows[at]), int(was[at]), int(level[at]), int(newest[at]), now, inputs, at)
            for at in np.flatnonzero(was != level).tolist()
        ] + [
            self._assessed(int(rows[at]), bool(unassessed[at]), int(newest[at]), now)
            for at in np.flatnonzero(before != unassessed).tolist()
        ]

    def _last_known(self, rows: Ints, inputs: NewestInputs) -> Small:
        """The level that the score of some patients reaches with the last values of lapsed inputs, int8 [n]; of a device
        that was taken away nothing more will come.
        """
        table, known = self.table, (inputs.at > -NEVER) & ~inputs.unworn
        facts = table.oxygen[rows], table.acvpu[rows], table.scale2[rows]
        total, present, _ = score_fixed(inputs.value, known, *facts)
        sure = total if not inputs.apart.any() else score_fixed(inputs.value, known & ~inputs.apart, *facts)[0]
        reached = self._reached(rows, total, sure, self.value_of("news2_hysteresis", rows))
        return np.where(present >= FEWEST, reached, np.int8(NONE))

    def _reached(self, rows: Ints, total: Ints, sure: Ints, less: Ints) -> Small:
        """The level that totals int64 [n] reach when the thresholds are lower by ``less``, int8 [n]."""
        level = np.full(len(rows), NONE, np.int8)
        for priority, threshold in _LEVELS.items():
            enough = sure if priority == Priority.HIGH else total
            level[enough >= np.maximum(self.value_of(threshold, rows) - less, 1)] = priority
        return level

    def _assessed(self, row: int, begins: bool, newest: int, now: int) -> Condition:
        """A score that stands cannot be assessed any more, or can be again."""
        before, after = (NONE, Priority.MEDIUM) if begins else (Priority.MEDIUM, NONE)
        measured = newest * 1000 if newest > 0 else None
        one = self.condition(
            now=now, column=row, rule=UNASSESSED, before=before, after=after, measured=measured,
            detail={"reason": "too old", "cannot_assess": True},
        )  # fmt: skip
        return replace(one, category="technical")

    def _changed(
        self, row: int, before: int, after: int, newest: int, now: int, inputs: NewestInputs, place: int
    ) -> Condition:
        found, value = self._explained(row, now, inputs, place), None
        detail: dict[str, Any] = {"missing": list(found.missing)}
        if isinstance(found, News2):
            value = float(found.total)
            detail |= {"total": found.total, "single3": found.single3, "parts": found.parts, "ages_s": found.ages_s}
        else:
            detail["refused"] = found.reason
        return self.condition(
            now=now,
            column=row,
            rule=RULE,
            before=before,
            after=after,
            value=value,
            limit=float(self.value_of(_LEVELS[Priority(after or before)], slice(row, row + 1))[0]),
            measured=newest * 1000 if newest > 0 else None,
            detail=detail,
        )

    def _explained(self, row: int, now: int, inputs: NewestInputs, place: int) -> News2 | Refused:
        """The score with its parts, as people are shown it."""
        valid = inputs.expires[:, place] > self.active_now(now, slice(row, row + 1))
        values: dict[str, float | bool | str | None] = {}
        ages: dict[str, int] = {}
        for which, name in enumerate(VITAL_INPUTS):
            if valid[which]:
                values[name] = float(inputs.value[which, place] / _STEPS[which])
                ages[name] = max(0, now - int(inputs.at[which, place]) // 1000)
        found = score(values, self._facts.get(self.who(row)[0], Facts()), on=datetime.fromtimestamp(now, UTC).date())
        if isinstance(found, News2):
            found.ages_s.update(ages)
        return found

    def drop(self, partition: int, patients: Sequence[int]) -> None:
        super().drop(partition, patients)
        for patient in patients:
            self._facts.pop(patient, None)


def _old_enough(facts: Facts) -> int:
    """The second from which NEWS2 may be computed for somebody; ``NEVER`` in pregnancy and where the age is not known."""
    if facts.pregnant or facts.born is None:
        return NEVER
    try:
        born = date.fromisoformat(facts.born)
        year = born.year + MINIMUM_AGE
        leap = (born.month, born.day) == (2, 29) and not isleap(year)
        birthday = date(year, 3, 1) if leap else date(year, born.month, born.day)
    except ValueError:
        return NEVER
    return (birthday - date(1970, 1, 1)).days * _DAY
