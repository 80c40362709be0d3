"""The results of a run: figures (one value a repetition), goals (met or missed), and checks that contenders agree."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt

from benchmarks.machine import turn_ns

Say = Callable[[str], None]
T = TypeVar("T")
Relation = Literal[">=", "<="]


@dataclass(frozen=True)
class Figure:
    """Something measured.  ``values`` has one entry a repetition, in ``unit``; ``what`` says exactly what was done."""

    row: str
    name: str
    unit: str
    values: list[float]
    what: str = ""

    @property
    def median(self) -> float:
        return statistics.median(self.values)


@dataclass(frozen=True)
class Goal:
    """A ratio or a bound that was promised: ``value`` must be at least, or at most, ``bound``."""

    row: str
    name: str
    value: float
    relation: Relation
    bound: float
    unit: str = "x"
    spread: tuple[float, float] | None = None

    @property
    def met(self) -> bool:
        return self.value >= self.bound if self.relation == ">=" else self.value <= self.bound


@dataclass
class Report:
    """Everything one run found out; ``turns`` are ns a turn of the fixed loop, taken throughout the run."""

    say: Say
    quick: bool = False
    figures: list[Figure] = field(default_factory=list)
    goals: list[Goal] = field(default_factory=list)
    checks: dict[str, bool] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    turns: list[float] = field(default_factory=list)

    def turn(self) -> float:
        """ns of CPU a turn of the fixed loop takes now."""
        self.turns.append(turn_ns())
        return self.turns[-1]

    def around(self, act: Callable[[], T]) -> tuple[T, float]:
        """The result of ``act``, and ns a turn of the fixed loop around it."""
        before = self.turn()
        return act(), (before + self.turn()) / 2

    def figure(self, row: str, name: str, unit: str, values: list[float], what: str = "") -> Figure:
        found = Figure(row, name, unit, values, what)
        self.figures.append(found)
        self.say(f"{row}: {name}: {found.median:,.4g} {unit}")
        return found

    def quantiles(
        self, row: str, name: str, unit: str, runs: Iterable[npt.NDArray[np.float64]], what: str = "",
        ranks: Iterable[int] = (50, 99), least: float = 0.0,
    ) -> list[float]:  # fmt: skip
        """A figure for each rank (in %) of what each repetition has measured; the values of the last of them."""
        for rank in ranks:
            found = [max(float(np.percentile(one, rank)), least) for one in runs]
            self.figure(row, f"{name}, {f'p{rank}' if rank < 100 else 'max'}", unit, found, what)
        return found

    def ratio(self, row: str, name: str, above: list[float], below: list[float], relation: Relation, bound: float) -> None:
        """A goal about ``above / below``, repetition by repetition: the median counts."""
        ratios = [a / b for a, b in zip(above, below, strict=True)]
        self.goal(row, name, statistics.median(ratios), relation, bound, spread=(min(ratios), max(ratios)))

    def goal(
        self, row: str, name: str, value: float, relation: Relation, bound: float, unit: str = "x",
        spread: tuple[float, float] | None = None,
    ) -> None:  # fmt: skip
        goal = Goal(row, name, value, relation, bound, unit, spread)
        self.goals.append(goal)
        self.say(f"{row}: {name}: {value:,.3g} {unit}, goal {relation} {bound:g}: {'met' if goal.met else 'MISSED'}")

    def check(self, name: str, holds: bool) -> None:
        self.checks[name] = holds and self.checks.get(name, True)
        if not holds:
            self.say(f"CHECK FAILED: {name}")

    def as_json(self) -> dict[str, Any]:
        return {
            "quick": self.quick,
            "figures": [asdict(one) | {"median": one.median} | _span(one.values) for one in self.figures],
            "goals": [asdict(one) | {"met": one.met} for one in self.goals],
            "checks": self.checks,
            "notes": self.notes,
            "loop_ns_a_turn": {"median": statistics.median(self.turns)} | _span(self.turns) if self.turns else None,
        }


def _span(values: list[float]) -> dict[str, float]:
    return {"low": min(values), "high": max(values)}
