"""MEWS and qSOFA of many patients at once, whole or partial: what is missing gives no points, so a total is a lower bound.

MEWS: Subbe 2001 (boundary rows *confirm*).  A systolic pressure of 70 and a heart rate of 40 fall in gaps of the printed
table: they count as below.  It knows AVPU; new confusion (C) counts as V, which is Vigil's own choice.
qSOFA: Singer 2016, positive from 2.  Surviving Sepsis 2021 advises against it as a sole screen.

Values are rounded half-even to the charts' marks (whole numbers; temperature 0.1), as NEWS2's are.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from devices.sample import STEPS
from devices.vitals import Vital
from streams.engine.columns.arrays import Bools, Cells, Ints, Small

INPUTS: Final = (Vital.RESPIRATORY_RATE, Vital.SYSTOLIC, Vital.HEART_RATE, Vital.TEMPERATURE)
_MARKS: Final = np.array([int(STEPS[vital]) // (10 if vital == Vital.TEMPERATURE else 1) for vital in INPUTS])[:, None]
_MEWS: Final = (
    ((9, 15, 21, 30), (2, 0, 1, 2, 3)),
    ((71, 81, 101, 200), (3, 2, 1, 0, 2)),
    ((41, 51, 101, 111, 130), (2, 1, 0, 1, 2, 3)),
    ((350, 385), (2, 0, 2)),
)
"""By input: the lowest values of all bands but the first, and the points of each band."""
_AVPU: Final = np.array((0, 1, 1, 2, 3, 0))
"""Points by :data:`alerts.rules.news2.score.CONSCIOUSNESS`; the last one: not known."""
_FAST, _LOW = 22, 100


def mews(value: Cells, valid: Bools, acvpu: Small) -> Ints:
    """Totals int64 [n] of values int32 [4, n] by :data:`INPUTS` in fixed point, where ``valid``; ``acvpu`` -1: not known."""
    marks, total = np.rint(value / _MARKS), _AVPU[acvpu]
    for which, (edges, points) in enumerate(_MEWS):
        total = total + np.where(valid[which], np.array(points)[np.searchsorted(edges, marks[which], side="right")], 0)
    found: Ints = total.astype(np.int64)
    return found


def qsofa(value: Cells, valid: Bools, acvpu: Small) -> Ints:
    """Totals int64 [n], as :func:`mews`."""
    marks = np.rint(value / _MARKS)
    fast, low = valid[0] & (marks[0] >= _FAST), valid[1] & (marks[1] <= _LOW)
    found: Ints = fast.astype(np.int64) + low + (acvpu > 0)
    return found
