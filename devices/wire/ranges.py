"""The ranges of the fields of events and controls: checked where a record is decoded, so that nothing behind has to be."""

from __future__ import annotations

import re
from typing import Annotated, Final

import msgspec
from msgspec import Meta

LAST_MS: Final = 253_402_300_799_999
"""The last millisecond of the year 9999: no calendar goes beyond."""
_INT4_MAX: Final = 2**31 - 1
_YEAR_S: Final = 366 * 86_400

Ms = Annotated[int, Meta(ge=0, le=LAST_MS)]
"""Milliseconds since the epoch."""
Offset = Annotated[int, Meta(ge=-LAST_MS, le=LAST_MS)]
"""Milliseconds between two clocks."""
Number = Annotated[int, Meta(ge=1, le=_INT4_MAX)]
"""The number of a device, gateway or key."""
Count = Annotated[int, Meta(ge=0, le=_INT4_MAX)]
Seconds = Annotated[int, Meta(ge=0, le=_YEAR_S)]
"""A length of time, a year at most."""
Few = Annotated[int, Meta(ge=1, le=60)]
Days = Annotated[int, Meta(ge=4, le=28)]
Kilograms = Annotated[float, Meta(ge=2, le=600)]
Percent = Annotated[int, Meta(ge=0, le=100)]
Dbm = Annotated[int, Meta(ge=-128, le=127)]
"""The strength of a radio signal; 127: not known (Bluetooth Core, HCI)."""
VitalCode = Annotated[int, Meta(ge=1, le=255)]
Amount = Annotated[float, Meta(ge=-1e6, le=1e6)]
"""In the unit of a vital."""
Size = Annotated[float, Meta(ge=0, le=1e6)]
Points = Annotated[int, Meta(ge=0, le=100)]
Words = Annotated[str, Meta(pattern=r"\A[ -~]{1,200}\Z")]
"""A short text of a machine, printable ASCII: PostgreSQL's JSON holds no NUL."""
Rule = Annotated[str, Meta(min_length=1, max_length=200)]

_PLACE: Final = re.compile(r" - at `\$?\.?(.*)`$")


def misfit(error: Exception) -> str:
    """The reason why a payload does not fit: the place of its first bad field, never the value that stands there."""
    found = _PLACE.search(str(error)) if isinstance(error, msgspec.ValidationError) else None
    if found and found[1]:
        return f"{found[1]} is out of range or of another kind"
    return type(error).__name__
