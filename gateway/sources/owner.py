"""Whose measurement it is, of a device that several people may use; pure.

A spouse's pressure never enters a patient's record: what names another user than the patient's is nobody's until somebody
says whose it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from devices.gatt.weight_scale import UNKNOWN_USER
from devices.wire.pairing import Assigned

_NEAR_KG: Final = 3.0
_APART: Final = 2.0


def owner(user: int | None, assigned: Sequence[Assigned], bound: int | None) -> Assigned | None:
    """The assignment that a measurement of ``user`` (as the device sends it; None: it sends none) belongs to.

    ``bound`` is the first user that was seen on a device that was paired without one: that user is its patient.
    """
    if user is not None and user != UNKNOWN_USER:
        mapped = next((one for one in assigned if one.user == user), None)
        if mapped is not None:
            return mapped
        return _single(assigned) if bound in (None, user) else None
    if user == UNKNOWN_USER and bound is not None:
        return None  # the device knows its users, and this is a guest
    return _single(assigned) if len(assigned) == 1 else None


def _single(assigned: Sequence[Assigned]) -> Assigned | None:
    """The assignment of a device that was paired without a user."""
    return next((one for one in assigned if one.user is None), None)


def proposal(kilograms: float, last: Mapping[int, float]) -> int | None:
    """The user whose ``last`` weight (kg, by user) is near and by far the nearest; None where that is not clear.

    It is for a person to confirm: two people may weigh the same.
    """
    away = sorted((abs(kilograms - weight), user) for user, weight in last.items())
    if not away or away[0][0] > _NEAR_KG:
        return None
    return away[0][1] if len(away) == 1 or away[1][0] > max(_NEAR_KG, _APART * away[0][0]) else None
