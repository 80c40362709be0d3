"""The inputs of rules about patients: the newest value of each parameter, of the source that decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from alerts.rules.parameters import PARAMETER
from alerts.rules.suppression import Suppression
from devices.vitals import Vital
from streams.engine.columns.arrays import Bools, Cells, Ints
from streams.engine.series.newest import NEVER
from streams.engine.stage import View


@dataclass(frozen=True, slots=True)
class NewestInputs:
    """For each vital and patient, [vital, n]: ``value`` int32 in fixed point, ``at`` int64 measured ms, ``expires`` int64
    active second (both -NEVER without a value), ``sensor_off`` bool, ``apart`` bool: its sources disagree, ``unworn`` bool:
    its device was taken away.
    """

    value: Cells
    at: Ints
    expires: Ints
    sensor_off: Bools
    apart: Bools
    unworn: Bools


def newest_inputs(view: View, suppression: Suppression, vitals: Sequence[Vital], rows: Ints) -> NewestInputs:
    """The newest values of some patients (columns int64 [n]), valid or not, by the parameters that ``vitals`` name: a
    heart rate is the pulse, whoever measures it.  One series of a parameter decides (:mod:`alerts.rules.sources`).
    """
    layout, shape = view.layout, (len(vitals), len(rows))
    place, which = np.full(layout.patients.width, -1), np.full(256, -1)
    place[rows], which[PARAMETER[list(vitals)]] = np.arange(len(rows)), np.arange(len(vitals))
    which = which[PARAMETER]
    never, none = np.full((2, *shape), -NEVER), np.zeros((3, *shape), np.bool_)
    found = NewestInputs(np.zeros(shape, np.int32), *never, *none)
    for store in view.stores:
        series, newest, muted = store.series, store.newest, suppression.muted(store)
        column = np.flatnonzero(which[series.vital] >= 0)
        column = column[place[layout.patient_of(store, column)] >= 0]
        column = column[(newest.second[column] > -NEVER) & ~muted.superseded[column]]
        here = which[series.vital[column]], place[layout.patient_of(store, column)]
        found.value[here], found.at[here] = newest.value[column], newest.second[column] * 1000 + newest.ms[column]
        found.expires[here], found.sensor_off[here] = newest.expires[column], muted.sensor_off[column]
        found.apart[here], found.unworn[here] = muted.apart[column], muted.unworn[column]
    return found
