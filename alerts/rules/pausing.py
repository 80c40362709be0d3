"""Pauses: until when a rule of a patient is to say nothing.  A condition that is true when its pause begins ends."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from devices.wire.control import Pauses

EVERY_RULE: Final = "*"
NOT_PAUSED: Final = 0


class Pausing:
    """By patient and rule; follows from the control records alone."""

    def __init__(self) -> None:
        self._until: dict[int, dict[str, int]] = {}

    def learn(self, patient: int, control: Pauses) -> None:
        """The whole state of a patient's pauses."""
        until: dict[str, int] = {}
        for pause in control.pauses:
            second = -(-pause.until // 1000)
            until[pause.rule] = max(second, until.get(pause.rule, NOT_PAUSED))
        self._until[patient] = until

    def until(self, patient: int, rule: str) -> int:
        """The first second of the clock in which the rule speaks again."""
        pauses = self._until.get(patient)
        if not pauses:
            return NOT_PAUSED
        return max(pauses.get(EVERY_RULE, NOT_PAUSED), pauses.get(rule, NOT_PAUSED))

    def drop(self, patients: Iterable[int]) -> None:
        for patient in patients:
            self._until.pop(patient, None)
