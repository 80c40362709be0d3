"""Conditions of a partition that its owner reports: what the engine, which sees the log alone, cannot know."""

from __future__ import annotations

from streams.engine.condition import Condition, Phase, Priority


def of_partition(partition: int, rule: str, phase: Phase, second: int, **detail: object) -> Condition:
    """A technical condition of the partition at ``second`` (s since the epoch)."""
    return Condition(partition, second, partition, rule, 0, phase, Priority.HIGH, "technical", of="partition", detail=detail)
