"""Recorded patients of an installation: what is stored of them in a time, as stays."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Final

import numpy as np

from alerts.care.facts import facts_of
from alerts.care.layers import own_rules_of
from alerts.care.limits import own_limits
from alerts.database import Tx
from deploy.evaluation.csv_folder import intervals_of
from deploy.evaluation.stay import MEASURED, Stay
from devices.vitals import VITALS
from devices.wire.control import Control

_VITALS: Final = tuple(VITALS.values())
_COLUMNS: Final = ", ".join(f"CASE WHEN {spec.column}_status IS NULL THEN {spec.column} END" for spec in _VITALS)
_READINGS: Final = f"""
SELECT patient, device, floor(extract(epoch FROM time))::int8, {_COLUMNS} FROM reading
WHERE time >= %s AND time < %s AND (%s::int4[] IS NULL OR patient = ANY(%s))
ORDER BY patient, time"""
_DAY: Final = 86_400


def read_stored(tx: Tx, since: datetime, until: datetime, patients: list[int] | None = None) -> list[Stay]:
    """The stays of all patients with readings in a time; of a vital that several devices measured, those of the one that
    measured it most.
    """
    rows: dict[int, dict[tuple[int, int], list[tuple[int, float]]]] = defaultdict(lambda: defaultdict(list))
    for patient, device, second, *values in tx.execute(_READINGS, [since, until, patients, patients]):
        for spec, value in zip(_VITALS, values, strict=True):
            if value is not None:
                rows[patient][int(spec.vital), device].append((second, value))
    begin = int(since.timestamp())
    return [_stay(tx, patient, found, begin, int(until.timestamp())) for patient, found in sorted(rows.items())]


def _stay(tx: Tx, patient: int, found: dict[tuple[int, int], list[tuple[int, float]]], begin: int, end: int) -> Stay:
    best: dict[int, list[tuple[int, float]]] = {}
    for (vital, _), values in sorted(found.items()):
        if len(values) > len(best.get(vital, ())):
            best[vital] = values
    measured = np.array(
        sorted((second - begin, vital, value) for vital, values in best.items() for second, value in values), MEASURED
    )
    controls: tuple[Control, ...] = (facts_of(tx, patient), own_limits(tx, patient), own_rules_of(tx, patient))
    return Stay(
        f"patient {patient}",
        measured,
        end - begin,
        interval_s=0,
        intervals=intervals_of(measured),
        origin_s=begin % _DAY,
        controls=controls,
    )
