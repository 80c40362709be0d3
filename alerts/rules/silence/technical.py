"""A technical rule: each second it looks at the columns it suspects; its condition, of medium priority, is there or not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from alerts.rules.rule import NONE, Rule
from streams.engine.columns.arrays import Bools, Ints
from streams.engine.condition import Category, Condition, Priority
from streams.engine.stage import Moment


class TechnicalRule(Rule):
    """``name``: the rule's.  The table stands on a keyed axis and has ``active`` bool: which columns have the condition."""

    category: ClassVar[Category] = "technical"
    name: ClassVar[str]

    def suspect(self, columns: slice, now: int) -> Bools:
        """Which columns of a slice may have the condition at second ``now``."""
        raise NotImplementedError

    def decide(self, column: Ints, now: int) -> tuple[Bools, Ints | None]:
        """(which of some columns have the condition, the measured time of each in ms or 0), both [n]."""
        raise NotImplementedError

    def changed(self, column: int, begins: bool) -> None:
        """The condition of a column begins, or ends."""

    def detail(self, column: int) -> dict[str, object]:
        """The detail of a column's condition that begins or ends."""
        return {}

    def evaluate(self, moment: Moment) -> Sequence[Condition]:
        if moment.replaying:
            return ()
        axis, now = self.table.axis, moment.now
        columns, mask = axis.span(moment.partitions, moment.member)
        looked = self.table.active[columns] | self.suspect(columns, now)
        if mask is not None:
            looked &= mask
        column = np.flatnonzero(looked) + columns.start
        if not column.size:
            return ()
        wanted, measured = self.decide(column, now)
        people = axis.people(column)
        wanted &= ~self.suppression.paused(people, now, self.name) & ~self.suppression.withdrawn(people)
        out = []
        for at in np.flatnonzero(wanted != self.table.active[column]).tolist():
            one, begins = int(column[at]), bool(wanted[at])
            self.table.active[one] = begins
            self.changed(one, begins)
            before, after = (NONE, Priority.MEDIUM) if begins else (Priority.MEDIUM, NONE)
            when = None if measured is None else int(measured[at]) or None
            out.append(
                self.condition(
                    now=now,
                    column=one,
                    rule=self.name,
                    before=before,
                    after=after,
                    measured=when,
                    detail=self.detail(one),
                )
            )
        return out
