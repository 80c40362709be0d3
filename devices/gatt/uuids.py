"""Bluetooth UUIDs: assigned 16-bit numbers and their full form."""

from __future__ import annotations

import re
from typing import Final

_BASE: Final = "-0000-1000-8000-00805f9b34fb"
_SHORT: Final = re.compile(r"0x[0-9a-f]{1,4}|[0-9a-f]{4}")


def full_uuid(number: int | str) -> str:
    """The 128-bit form, lower case, of an assigned number (0x2A37, "2a37") or of a UUID that already is one."""
    if isinstance(number, int):
        return f"0000{number:04x}{_BASE}"
    text = number.lower()
    return f"0000{int(text, 16):04x}{_BASE}" if _SHORT.fullmatch(text) else text
