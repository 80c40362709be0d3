"""Numbers that devices send for "no value", where they would pass for one: known by the kind of field and by what stands
beside.

A field of eight bits that a device cannot fill is sent full (255), one of seven bits as 127.  Such a saturation lies outside
its plausible range, and so does 0; a pulse of 127 or 255 does not.  It is none where the saturation of the same message is
none.
"""

from __future__ import annotations

from typing import Final

from devices.gatt.numbers import Number
from devices.sample import Status

FULL_BYTE: Final = 255
_NO_SATURATION: Final = frozenset({0.0, 127.0, 255.0, 511.0})
_NO_PULSE: Final = frozenset({0.0, 127.0, 255.0, 511.0})
NO_VALUE: Final = Number(None, Status.NAN)


def saturation(found: Number) -> Number:
    """The saturation, or no value where the number means none."""
    return NO_VALUE if found.value in _NO_SATURATION else found


def pulse_beside(found: Number, spo2: Number) -> Number:
    """The pulse, or no value where the number means none since the saturation beside it is none."""
    return NO_VALUE if saturation(spo2).value is None and found.value in _NO_PULSE else found


def rate_of_one_byte(rate: int) -> Number:
    """A heart rate sent in one byte: a full byte is no rate."""
    return NO_VALUE if rate == FULL_BYTE else Number(rate)
