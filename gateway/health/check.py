"""One thing that was looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

Looks = Iterator["Check"]
LIMIT_S: Final = 5.0
"""Each look at something outside takes no longer."""


@dataclass(frozen=True, slots=True)
class Check:
    """``part``: what was looked at; ``what`` was found, and the ``cure`` where it is not ``ok``."""

    part: str
    ok: bool
    what: str
    cure: str = ""


Look = Callable[[], Looks]
