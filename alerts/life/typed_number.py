"""Numbers that people or machines write as text: plain digits alone.

Python's own ``int`` and ``float`` take more than anybody means: 8_6 is 86, 1e5 a hundred thousand, nan a number, and the
digits of every script count.
"""

from __future__ import annotations

import re
from typing import Final

_WHOLE: Final = re.compile(r"-?[0-9]{1,18}")
_DECIMAL: Final = re.compile(r"[-+]?[0-9]{1,15}([.,][0-9]{1,15})?")


def whole_number(text: str) -> int | None:
    """The whole number that ``text`` is, of at most 18 digits; ``None`` for anything else."""
    return int(text) if _WHOLE.fullmatch(text) else None


def decimal_number(text: str) -> float | None:
    """The number that ``text`` is, with a point or a comma; ``None`` for anything else."""
    return float(text.replace(",", ".")) if _DECIMAL.fullmatch(text) else None
