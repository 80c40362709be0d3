"""Text that can be stored and shown."""

from __future__ import annotations

import unicodedata
from typing import Final

_LAYOUT: Final = "\t\n\r"


def is_storable(text: str) -> bool:
    """True unless the text holds control characters (NUL above all, which no database text can) or half characters."""
    return not any(unicodedata.category(letter) in {"Cc", "Cs"} and letter not in _LAYOUT for letter in text)
