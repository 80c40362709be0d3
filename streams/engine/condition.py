"""A condition: something that became true, worse, better or untrue of a patient or of a partition at a second of the clock.

The engine knows conditions, not alarms and people; ``alerts.life.transition.transition`` folds conditions into alarms.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final, Literal, cast

from devices.wire.control import PriorityWord

Phase = Literal["onset", "worse", "better", "end"]
KEY_DAMAGED: Final = "data_key_damaged"
"""A condition of a patient that the engine does not decide: a key of theirs cannot be opened."""
CALL_BACK: Final = "call_back"
"""Another one: the patient asked at their own page that the ward calls."""
Category = Literal["physiological", "technical"]


class Priority(IntEnum):
    """IEC 60601-1-8: immediate, prompt, awareness."""

    HIGH = 3
    MEDIUM = 2
    LOW = 1

    @property
    def word(self) -> PriorityWord:
        """The priority as control records and messages write it."""
        return cast("PriorityWord", self.name.lower())

    @classmethod
    def of(cls, word: PriorityWord) -> Priority:
        """The priority of a word."""
        return cls[word.upper()]


@dataclass(frozen=True, slots=True)
class Condition:
    """``second`` is the clock's second (s since the epoch) at which it changed; ``measured`` the measured time (ms) of
    ``value``, which is in the vital's unit.  ``subject`` is a patient, or a partition where ``of`` says so.  ``source`` is
    the device or gateway it concerns, 0 for none.  (of, subject, rule, source) is one alarm while open.
    """

    partition: int
    second: int
    subject: int
    rule: str
    source: int
    phase: Phase
    priority: Priority
    category: Category
    of: Literal["patient", "partition"] = "patient"
    vital: int | None = None
    value: float | None = None
    limit: float | None = None
    measured: int | None = None
    detail: dict[str, object] = field(default_factory=dict)
