"""NEWS2 of many patients at once, from fixed-point values.

Each chart of :mod:`alerts.rules.news2.score` becomes a table over all fixed-point values of its vital, so a score is a
look-up a vital, and so is the range within which a value may move without changing it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from alerts.rules.news2.score import CHARTS, CONFUSED_POINTS, OXYGEN_POINTS, Bands, steps_a_mark
from devices.vitals import FIXED_MAX
from streams.engine.columns.arrays import Bools, Cells, Small

VITAL_INPUTS: Final = ("respiratory_rate", "spo2", "systolic", "pulse", "temperature")
"""The rows of ``value`` and ``valid``."""
UNKNOWN: Final = -1


def _table(name: str, bands: Bands) -> tuple[Small, Cells]:
    """Points int8 [FIXED_MAX + 1] by value; first and last value around with the same points, int32 [2, FIXED_MAX + 1]."""
    ends, points = bands
    marks = np.rint(np.arange(FIXED_MAX + 1) / steps_a_mark(name))  # half-even, as the chart says
    found = np.asarray(points, np.int8)[np.searchsorted(ends, marks)]
    starts = np.flatnonzero(np.append(True, found[1:] != found[:-1]))
    lengths = np.diff(np.append(starts, FIXED_MAX + 1))
    return found, np.array([np.repeat(starts, lengths), np.repeat(starts + lengths - 1, lengths)], np.int32)


_CHARTS: Final = [(name, bands) for name in VITAL_INPUTS for bands in CHARTS[name]]
_TABLES: Final = [_table(name, bands) for name, bands in _CHARTS]
_POINTS: Final = np.array([points for points, _ in _TABLES])
_SAME: Final = np.array([same for _, same in _TABLES])
_FIRST: Final = np.array([[name for name, _ in _CHARTS].index(name) for name in VITAL_INPUTS])
_SPO2: Final = VITAL_INPUTS.index("spo2")


def _charts(scale2: Bools, oxygen: Small) -> npt.NDArray[np.int64]:
    """Row of ``_POINTS`` by vital and patient, int64 [5, n]."""
    chart = np.repeat(_FIRST[:, None], len(scale2), 1)
    chart[_SPO2] += np.where(scale2, np.where(oxygen > 0, 2, 1), 0)
    return chart


def score_fixed(
    value: Cells, valid: Bools, oxygen: Small, acvpu: Small, scale2: Bools
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Cells]:
    """The scores of n patients.

    Args:
        value: int32 [5, n] by :data:`VITAL_INPUTS`, fixed point; ignored where not ``valid``.
        valid: bool [5, n].
        oxygen: int8 [n], 1 on oxygen, 0 on air, :data:`UNKNOWN`.
        acvpu: int8 [n], :data:`alerts.rules.news2.score.CONSCIOUSNESS`, :data:`UNKNOWN`.
        scale2: bool [n].

    Returns:
        total int64 [n] (a lower bound where an input is missing), the number of inputs present int64 [n], and int32
        [2, 5, n]: from and to which value each input may move without changing the total.  Whether there is a score at all
        (:data:`alerts.rules.news2.score.FEWEST`, :func:`alerts.rules.news2.score.refusal`) is for the caller to judge.
    """
    chart = _charts(scale2, oxygen)
    total = np.where(valid, _POINTS[chart, value], 0).sum(0, dtype=np.int64)
    total += np.where(oxygen > 0, OXYGEN_POINTS, 0) + np.where(acvpu > 0, CONFUSED_POINTS, 0)
    present = valid.sum(0) + (oxygen != UNKNOWN) + (acvpu != UNKNOWN)
    return total, present, _SAME[chart, :, value].transpose(2, 0, 1)
