"""What the three technical rules of a patient share: they are medium, and begin and end, nothing else."""

from __future__ import annotations

from streams.engine.condition import Condition, Phase, Priority


def technical(
    partition: int, now: int, patient: int, rule: str, source: int, *, begins: bool, measured: int | None = None
) -> Condition:
    """One technical condition that begins or ends at second ``now``; ``measured`` in ms."""
    phase: Phase = "onset" if begins else "end"
    return Condition(partition, now, patient, rule, source, phase, Priority.MEDIUM, "technical", measured=measured)
