"""Parameters: what limits and scores judge.  A parameter is a vital, and pulse is one parameter whoever measures it.

The heart rate of an ECG and the pulse rate of an oximeter or cuff are two vitals with two codes, because charts and exports
keep apart how a value was measured.  A patient has one pulse.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np

from devices.vitals import Vital
from streams.engine.columns.arrays import Ints

PARAMETER: Final[Ints] = np.arange(256)
"""The parameter of each vital, by code: the vital whose name it has."""
PARAMETER[Vital.PULSE_RATE] = Vital.HEART_RATE


def parameter_of(vital: int) -> Vital:
    """The parameter of a vital."""
    return Vital(int(PARAMETER[vital]))


def measuring(vitals: Iterable[int]) -> Ints:
    """All vitals that measure the parameters of some vitals, int64 [k]."""
    found: Ints = np.flatnonzero(np.isin(PARAMETER, [int(PARAMETER[vital]) for vital in vitals]))
    return found
