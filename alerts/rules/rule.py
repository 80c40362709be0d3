"""A rule: a stage that says which conditions of patients begin, become worse or better, and end.

A rule keeps a table along one axis of the engine (patients, senders, links or the series of one store) and overrides what it
needs of :class:`streams.engine.stage.Stage`.  It asks :class:`alerts.rules.suppression.Suppression` what is muted.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import Any, ClassVar, Final

import numpy as np

from alerts.rules.scheduled import Scheduled
from alerts.rules.suppression import Suppression
from devices.wire.batch import PARTITIONS
from devices.wire.control import Control, OwnRules, RuleSet
from streams.engine.columns.arrays import NO_INTS, Ints, distinct
from streams.engine.columns.axis import Axis
from streams.engine.columns.keyed_axis import KeyedAxis
from streams.engine.condition import Category, Condition, Phase, Priority
from streams.engine.stage import Moment, Stage

_DEFAULT: Final = RuleSet(version=0)
_MOST: Final = 1_000_000_000
NONE: Final = 0
"""The level of a condition that is not true; the others are :class:`streams.engine.condition.Priority`."""


class Rule(Stage):
    """``table``: the rule's state, made in ``attach``.  ``parameters``: the fields of the rule set that it reads; each is in
    ``parameter``, an array [PARTITIONS] by name; none is below 0 or above a thousand million.
    """

    learns: Collection[type[Control]] = (RuleSet,)
    category: ClassVar[Category] = "physiological"
    parameters: ClassVar[tuple[str, ...]] = ()
    quiet: ClassVar[bool] = False
    """True if it looks only at what changed, at what is due, and at minutes that close."""
    table: Any

    def __init__(self, suppression: Suppression) -> None:
        self.suppression = suppression
        self.parameter: dict[str, Any] = {name: np.full(PARTITIONS, getattr(_DEFAULT, name)) for name in self.parameters}

    def learn(self, partition: int, patient: int, control: Control) -> None:
        if isinstance(control, RuleSet):
            self._take_parameters(partition, control)

    def drop(self, partition: int, patients: Sequence[int]) -> None:
        self._take_parameters(partition, _DEFAULT)

    def _take_parameters(self, partition: int, rules: RuleSet) -> None:
        for name, values in self.parameter.items():
            values[partition] = _reasonable(getattr(rules, name), getattr(_DEFAULT, name))

    def idle_until(self, now: int) -> int:
        return int(self.table.next_due.min()) if self.quiet else now

    def value_of(self, parameter: str, columns: Ints | slice) -> Any:
        """The value of a parameter for each column of the table."""
        return self.parameter[parameter][self.table.axis.owner[columns]]

    def notify_at(self, second: int | Ints, columns: Ints | slice) -> None:
        """Look at these columns of the table again at a second of the clock; of several calls the last one counts."""
        self.table.next_due[columns] = second

    def notify_chosen(self, partition: int, patient: int, control: Control) -> None:
        """Look at once at the patients whose rules a control record chooses; the table has one column a patient."""
        if isinstance(control, RuleSet):
            self.notify_at(0, self.table.axis.of(partition))
        elif isinstance(control, OwnRules) and (row := self.view.layout.patients.at(patient)) >= 0:
            self.notify_at(0, slice(row, row + 1))

    def due(self, moment: Moment, *touched: Ints) -> Ints:
        """The columns to look at (int64 [k], ascending): touched ones, those whose second has come, and all where the engine
        has everything looked at again.
        """
        table: Scheduled = self.table
        again = [np.arange(table.axis.width)[table.axis.of(partition)] for partition in moment.recheck_all.tolist()]
        found = np.concatenate([*touched, table.due(moment), *again])
        return distinct(found, table.axis.width) if found.size else NO_INTS

    def active_now(self, now: int, columns: Ints | slice) -> Ints:
        """The active second (:mod:`streams.engine.timeline`) of each column's partition at second ``now``, int64."""
        found: Ints = now - self.view.timeline.stalled_s[self.table.axis.owner[columns]]
        return found

    def who(self, column: int) -> tuple[int, int]:
        """(patient, device or gateway, 0 for none) of a column of the table."""
        axis: KeyedAxis = self.table.axis
        one = slice(column, column + 1)
        return int(axis.people(one)[0]), int(axis.others(one)[0])

    def condition(
        self,
        *,
        now: int,
        column: int,
        rule: str,
        before: int,
        after: int,
        vital: int | None = None,
        value: float | None = None,
        limit: float | None = None,
        measured: int | None = None,
        detail: dict[str, object] | None = None,
    ) -> Condition:
        """The condition of a column of the table whose level has changed at second ``now``.

        ``before`` and ``after`` give the phase: a :class:`streams.engine.condition.Priority`, or ``NONE``.  ``value`` and
        ``limit`` in the vital's unit, ``measured`` ms.  ``detail`` gets "set", where the rule is not of the installation's.
        """
        axis: Axis = self.table.axis
        patient, source = self.who(column)
        if self.category == "physiological" and (name := self.suppression.chosen.origin(patient, rule)):
            detail = {"set": name, **(detail or {})}
        self.suppression.raised.append((patient, rule, bool(after) - bool(before)))
        phase: Phase = "end" if not after else "onset" if not before else "worse" if after > before else "better"
        return Condition(
            partition=int(axis.owner[column]),
            second=now,
            subject=patient,
            rule=rule,
            source=source,
            phase=phase,
            priority=Priority(after or before),
            category=self.category,
            vital=vital,
            value=value,
            limit=limit,
            measured=measured,
            detail=detail or {},
        )


def _reasonable(value: float, default: float) -> float:
    """A parameter as written, within what can be counted with; the default for no number."""
    return min(max(value, 0), _MOST) if math.isfinite(value) else default
