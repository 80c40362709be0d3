"""Errors of benchmarks."""

from __future__ import annotations


class BenchmarkError(Exception):
    """Nothing was measured; the message says why."""


class ContenderError(BenchmarkError):
    """A measured process ended or made no progress; ``tail``: the end of its log."""

    def __init__(self, name: str, reason: str, tail: str) -> None:
        super().__init__(f"{name} {reason}; the end of its log:\n{tail}")
