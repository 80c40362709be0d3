"""The errors of the engine.

EngineError
├── NotTakenError        a round holds records of a partition the engine was not given
└── StateUnreadableError a snapshot is damaged or of another version
"""

from __future__ import annotations


class EngineError(Exception):
    """An error of the engine; the message says what to do."""


class NotTakenError(EngineError):
    """The engine was asked about a partition that it does not hold."""

    def __init__(self, partition: int) -> None:
        super().__init__(f"Partition {partition} was not taken: call Engine.take first.")


class StateUnreadableError(EngineError):
    """A snapshot cannot be read: take the partition without it, from controls and open alarms."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"The engine's snapshot cannot be read ({reason}): take the partition without it.")
