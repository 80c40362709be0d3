"""One line of a patient's timeline."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Moment:
    """One line: an onset has the mark of its priority in ``kind``, others have an icon; ``at`` in ms."""

    at: int
    icon: str
    kind: str
    text: str
    by: str
