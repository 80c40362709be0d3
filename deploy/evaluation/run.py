"""Recorded patients through the engine: the same code as live, with a clock that does not wait.

Each candidate rule set has a partition of its own, and each stay is a patient in all of them: one pass over the data for as
many candidates as there are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from alerts.rules.stages import clinical_stages
from deploy.evaluation.stay import Stay
from devices.sample import SAMPLE
from devices.vitals import VITALS, Vital
from devices.wire.batch import PARTITIONS, Kind
from devices.wire.control import Consent, Control, Enrolled, Enrolment, Facts, RuleSet
from streams.engine.condition import Condition
from streams.engine.engine import Engine
from streams.engine.round import RECORD, Round
from streams.engine.snapshot.recall import Recall
from streams.engine.stage import Stage

START_S: Final = 1_790_000_000
_TICK_S: Final = 9
"""A clock record more than 10 s after the last one would say that the pipeline had stopped."""
_DEVICE, _GATEWAY = 1, 1
_DEVICES: Final = {vital: number for number, vital in enumerate(VITALS, 1)}
Found = dict[tuple[str, int], list[Condition]]
"""Physiological conditions by candidate and place of the stay."""


@dataclass(slots=True)
class _Records:
    rows: list[tuple[int, int, int, int]]  # partition, kind, patient, second
    controls: list[tuple[int, Control]]


def run(
    stays: Sequence[Stay], candidates: Mapping[str, RuleSet], tick_s: int = _TICK_S, rules: Sequence[Stage] | None = None
) -> Found:
    """The physiological conditions that each candidate raises of each stay, by ``rules`` or by those that judge values."""
    engine, names = Engine(clinical_stages() if rules is None else rules), list(candidates)
    for partition in range(len(names)):
        engine.take(partition, None, Recall())
    found: Found = {(name, place): [] for name in names for place in range(len(stays))}

    def advance(batch: Round) -> None:
        for one in engine.advance(batch).conditions:
            if one.category == "physiological":
                found[names[one.partition], one.subject // PARTITIONS - 1].append(one)

    advance(_controls(stays, candidates))
    places = np.repeat(np.arange(len(stays)), [len(one.measured) for one in stays])
    measured = np.concatenate([one.measured for one in stays])
    order = np.argsort(measured["second"], kind="stable")
    places, measured = places[order], measured[order]
    end = max(one.end_s for one in stays)
    for begin in range(0, end + tick_s, tick_s):
        first, last = np.searchsorted(measured["second"], [begin, begin + tick_s])
        advance(_data(len(names), begin + tick_s, places[first:last], measured[first:last]))
    return found


def patient_of(place: int, partition: int) -> int:
    """The patient of a stay in a partition."""
    return (place + 1) * PARTITIONS + partition


def _controls(stays: Sequence[Stay], candidates: Mapping[str, RuleSet]) -> Round:
    rows, controls = [], list[tuple[int, Control]]()
    for partition, rules in enumerate(candidates.values()):
        rows.append((partition, 0))
        controls.append((len(controls), rules))
        for place, stay in enumerate(stays):
            devices = tuple(
                Enrolled(one, _GATEWAY, 0, None, stay.intervals.get(vital, stay.interval_s))
                for vital, one in _DEVICES.items()
            )
            for control in (Consent(True, 0), Enrolment(devices, ()), *(stay.controls or (Facts(born=stay.born),))):
                rows.append((partition, patient_of(place, partition)))
                controls.append((len(controls), control))
    records = np.zeros(len(rows), RECORD)
    records["partition"], records["patient"] = np.array(rows).T
    records["kind"], records["append"], records["first"] = Kind.CONTROL, START_S * 1000, np.arange(1, len(rows) + 1)
    records["count"], records["epoch"] = 1, 1
    return Round(records, np.zeros(0, SAMPLE), np.zeros(0, np.int32), [], controls)


def _data(partitions: int, now: int, places: np.ndarray, measured: np.ndarray) -> Round:
    """The records of one tick in every partition: a device's samples are one record, then the clock's."""
    device = np.array([_DEVICES[Vital(one)] for one in measured["vital"].tolist()], np.int64)
    key = places.astype(np.int64) << 8 | device
    order = np.lexsort((measured["second"], key))
    key, sorted_measured = key[order], measured[order]
    starts = np.flatnonzero(np.append(True, key[1:] != key[:-1])) if key.size else np.zeros(0, np.int64)
    each = len(starts) + 1
    records = np.zeros(partitions * each, RECORD)
    samples = np.zeros(partitions * len(key), SAMPLE)
    owner = np.zeros(partitions * len(key), np.int32)
    within = np.zeros(len(key), np.int64)
    if key.size:
        within = np.cumsum(np.isin(np.arange(len(key)), starts)) - 1
    for partition in range(partitions):
        rows = records[partition * each : (partition + 1) * each]
        rows["partition"], rows["append"], rows["count"] = partition, (START_S + now) * 1000, 1
        rows["kind"][:-1], rows["gateway"][:-1], rows["count"][:-1] = Kind.SAMPLES, _GATEWAY, 60_000
        rows["patient"][:-1] = patient_of(0, partition) + (key[starts] >> 8) * PARTITIONS
        rows["device"][:-1] = key[starts] & 0xFF
        rows["kind"][-1], rows["count"][-1] = Kind.CLOCK, 0
        here = slice(partition * len(key), (partition + 1) * len(key))
        samples["time"][here] = (START_S + sorted_measured["second"]) * 1000
        samples["value"][here], samples["vital"][here] = sorted_measured["value"], sorted_measured["vital"]
        samples["reading"][here] = np.arange(len(key)) - starts[within] if key.size else 0
        owner[here] = partition * each + within
    return Round(records, samples, owner, [], [])
