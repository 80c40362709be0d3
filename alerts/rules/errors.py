"""Errors of rules that people write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """An error at a ``line`` of a rule file, in words."""

    line: int
    message: str


class RuleFileError(ValueError):
    """A rule file with errors: ``faults``, by line."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(f"line {one.line}: {one.message}" for one in faults))
        self.faults = tuple(faults)
