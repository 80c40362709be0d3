"""An escalation policy: for each priority the steps of people who are called one after the other until somebody acts."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from streams.engine.condition import Priority

TEAM: Final = "team"
"""The target that is the whole care team."""
SEEN_MIN: Final = 5


@dataclass(frozen=True, slots=True)
class Step:
    """``call``: names of layers, sign-ins of people, or :data:`TEAM`; all of a step are called at once."""

    call: tuple[str, ...]
    wait_min: int

    @property
    def wait_ms(self) -> int:
        return self.wait_min * 60_000

    def people(self, layers: Collection[str]) -> set[str]:
        """The people whom the step names by themselves."""
        return {one for one in self.call if one != TEAM and one not in layers}


@dataclass(frozen=True, slots=True)
class Policy:
    """A priority without ``steps`` is for the whole team, as it is without a rota.  ``seen_min``: who has seen a message
    gets so long before the next step.
    """

    steps: Mapping[Priority, tuple[Step, ...]] = field(default_factory=dict)
    seen_min: int = SEEN_MIN

    def of(self, priority: Priority) -> tuple[Step, ...]:
        return self.steps.get(priority, ())
