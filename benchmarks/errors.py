"""What can go wrong in a benchmark."""

from __future__ import annotations


class BenchmarkError(Exception):
    """Nothing was measured; the message says why."""


class ContenderError(BenchmarkError):
    """A measured process ended or stood still; ``tail`` is the end of its log."""

    def __init__(self, name: str, why: str, tail: str) -> None:
        super().__init__(f"{name} {why}; the end of its log:\n{tail}")
        self.name, self.tail = name, tail
