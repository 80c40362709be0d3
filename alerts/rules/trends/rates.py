"""The speed at which the last readings of some series change; pure, in whole numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from streams.engine.columns.arrays import Bools, Ints
from streams.engine.series.newest import NEVER


@dataclass(frozen=True, slots=True)
class Speed:
    """From the oldest reading of some time to the newest: ``change`` in steps and ``seconds``, int64 [n]; ``known`` bool
    [n]: there is such a reading, at least half of that time before.
    """

    change: Ints
    seconds: Ints
    known: Bools


def change_over(second: Ints, value: Ints, newest: Ints, over: Ints) -> Speed:
    """The change over the last ``over`` s int64 [n]; ``second`` int64 [kept, n] ascending, -NEVER where there is none,
    ``value`` int64 [kept, n], ``newest`` int64 [n]: the second of the newest reading, which is among them.
    """
    age = newest - second
    there = (second > -NEVER) & (age <= over) & (2 * age >= over) & (age > 0)
    at = np.arange(second.shape[1])
    first = np.argmax(there, axis=0)
    last = np.argmax(second == newest, axis=0)
    known: Bools = np.asarray(there.any(0))
    seconds = np.where(known, age[first, at], 1)
    return Speed(np.where(known, value[last, at] - value[first, at], 0), seconds, known)
