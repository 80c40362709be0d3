"""A rule about a figure of the newest values of a patient, like a ratio of two vitals: see docs/writing-a-rule.md."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from alerts.rules.newest_inputs import newest_inputs
from alerts.rules.parameters import measuring
from alerts.rules.rule import NONE, Rule
from alerts.rules.scheduled import Scheduled
from devices.sample import STEPS
from devices.vitals import Vital
from streams.engine.columns.arrays import NO_INTS, Bools, Floats, Ints
from streams.engine.columns.axis import array
from streams.engine.condition import Condition, Priority
from streams.engine.series.newest import NEVER
from streams.engine.stage import Moment, View


class Holds(Scheduled):
    """Per patient: ``beyond`` bool, ``since`` int64 active second, ``active`` bool: the hold is over."""

    beyond: Bools = array(np.bool_)
    since: Ints = array(np.int64)
    active: Bools = array(np.bool_)


class PatientRule(Rule):
    """``name``; ``vitals``: the inputs; the condition of ``priority`` begins when the figure has been beyond ``limit`` for
    ``hold_s`` active seconds, and ends at once, by values: one that is too old or cannot be used ends nothing.

    An input is the newest valid value of a parameter (a heart rate is the pulse, whoever measures it), of the source that
    decides; nothing begins while the sensor of an input is off.  ``one_reading``: the figure needs all inputs from one
    instant, so that a difference never mixes two readings.  A figure that is NaN begins and ends nothing.
    """

    name: ClassVar[str]
    vitals: ClassVar[tuple[Vital, ...]]
    limit: float
    priority: ClassVar[Priority] = Priority.MEDIUM
    hold_s: ClassVar[int] = 0
    one_reading: ClassVar[bool] = False
    table: Holds

    def figure(self, *values: Floats) -> Floats:
        """The figure float64 [n] of n patients; ``values``: float64 [n] by vital, in its unit, NaN where it is missing."""
        raise NotImplementedError

    def beyond(self, figure: Floats) -> Bools:
        """Which figures are beyond the limit; NaN never is."""
        return figure > self.limit

    def hold(self, rows: Ints) -> Ints | int:
        """The hold in s of the patients in some rows of the table, int64 [n]; the same for all by default."""
        return self.hold_s

    def attach(self, view: View) -> None:
        super().attach(view)
        self.table = Holds(view.layout.patients, self.name)
        self._measuring = measuring(self.vitals)

    def evaluate(self, moment: Moment) -> Sequence[Condition]:
        if moment.replaying:
            return ()
        layout, touched = self.view.layout, [NO_INTS]
        for store, updates in zip(self.view.stores, (moment.dense, moment.sparse), strict=True):
            series = np.append(updates.series, self.suppression.changed(store))
            touched.append(layout.patient_of(store, series[np.isin(store.series.vital[series], self._measuring)]))
        rows = self.due(moment, *touched, self.suppression.changed_rows())
        return self._decide(rows, moment.now) if rows.size else ()

    def _decide(self, rows: Ints, now: int) -> list[Condition]:
        table, active_now = self.table, self.active_now(now, rows)
        inputs = newest_inputs(self.view, self.suppression, self.vitals, rows)
        known = inputs.at == inputs.at.max(0) if self.one_reading else inputs.at > -NEVER
        valid = known & (inputs.expires > active_now)
        last = np.where(known & (inputs.at > -NEVER), inputs.value / STEPS[list(self.vitals)][:, None], np.nan)
        value = np.where(valid, last, np.nan)
        measured = np.where(valid, inputs.at, 0).max(0)
        expires, off = np.where(valid, inputs.expires, NEVER).min(0), (valid & inputs.sensor_off).any(0)
        with np.errstate(invalid="ignore", divide="ignore"):
            figure = self.figure(*value)
            counts = ~self.suppression.paused(self.view.layout.patients.people(rows), now, self.name)
            latest = self.figure(*last)
            beyond, stays = self.beyond(figure) & counts, (self.beyond(latest) | np.isnan(latest)) & counts
        table.since[rows] = np.where(table.beyond[rows], table.since[rows], active_now)
        table.beyond[rows] = beyond
        held = active_now - table.since[rows] - self.hold(rows)
        before = table.active[rows]
        after = beyond & (held >= 0) & ~off | before & stays
        table.active[rows] = after
        due = np.where(beyond & (held < 0), np.minimum(expires - active_now, -held), expires - active_now)
        self.notify_at(np.where(beyond, now + due, NEVER), rows)
        return [
            self.condition(
                now=now,
                column=int(rows[at]),
                rule=self.name,
                before=NONE if after[at] else self.priority,
                after=self.priority if after[at] else NONE,
                value=None if np.isnan(figure[at]) else float(figure[at]),
                limit=self.limit,
                measured=int(measured[at]) or None,
            )
            for at in np.flatnonzero(before != after).tolist()
        ]
