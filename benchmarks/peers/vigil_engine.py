"""The job "batch" for Vigil: its engine with its limit rules, and a stage that reads both windows each second."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from alerts.rules.limits.limits import LimitRules
from alerts.rules.silence.sensor_off import SensorOff
from alerts.rules.sources import Sources
from alerts.rules.suppression import Suppression
from benchmarks.loads.engine import control_round, fresh_engine
from benchmarks.peers.job import HOLD_S, LIMIT, PARTITIONS, SIGN, VITALS, WINDOWS_S, figures_of
from devices.sample import SAMPLE, STEPS
from devices.vitals import Vital
from devices.wire.batch import HEADER
from devices.wire.control import Consent, Control, Enrolled, Enrolment, Level, Limit, RuleSet
from streams.engine.condition import Condition
from streams.engine.opening.block import Block
from streams.engine.round import RECORD, Round
from streams.engine.series.ring import WINDOWS
from streams.engine.stage import Moment, Stage, View

_HEAD: Final = HEADER.itemsize
_TENTHS: Final = 10
_SHARED: Final = [name for name in HEADER.names or () if name in (RECORD.names or ())]
assert WINDOWS == WINDOWS_S
assert all(STEPS[vital] == _TENTHS for vital in VITALS)


class Figures(Stage):
    """Adds up the figures of the windows."""

    def __init__(self) -> None:
        self.sums = np.zeros((len(WINDOWS), 6))

    def attach(self, view: View) -> None:
        super().attach(view)
        self.windows = view.windows()

    def evaluate(self, moment: Moment) -> Sequence[Condition]:
        dense = self.view.layout.dense
        columns, mask = dense.axis.span(moment.partitions, moment.member)
        vital = dense.series.vital[columns]
        for window, total in enumerate(self.sums):
            found = self.windows.figures(vital, window, moment.now, columns, mask)
            enough = found.n >= 2
            if mask is not None:
                enough &= mask
            total[0] += int(found.n.sum() if mask is None else found.n[mask].sum())
            each = (found.mean, found.min, found.max, found.std)
            total[1:5] += [values[enough].sum() for values in each]
            slope = found.slope[enough]
            total[5] += slope @ slope
        return ()


@dataclass
class EngineJob:
    """Rounds of blocks into the engine.  Patients are admitted before their first batch: a desk has done so long before."""

    samples: int = 0
    episodes: int = 0

    def __post_init__(self) -> None:
        suppression, self.figures = Suppression(), Figures()
        limits = LimitRules(suppression, continuous=True)
        rules = suppression, SensorOff(suppression), Sources(suppression), limits, self.figures
        self.engine, self._known = fresh_engine(range(PARTITIONS), rules), set[int]()
        self._control = 0

    def round(self, blocks: list[Block]) -> None:
        """One block a partition."""
        opened = opened_unsealed(blocks)
        new = set(np.unique(opened.records["patient"]).tolist()) - self._known
        if new:
            records = opened.records
            at = {p: int(records["append"][records["partition"] == p][0]) for p in {b.partition for b in blocks}}
            self._admit(new, at)
        self._advance(opened)

    def _advance(self, opened: Round) -> None:
        writes = self.engine.advance(opened)
        assert not writes.rejected, writes.rejected[:3]
        self.samples += int(writes.accepted.sum())
        self.episodes += sum(one.phase == "onset" and one.category == "physiological" for one in writes.conditions)

    def _admit(self, patients: set[int], at: dict[int, int]) -> None:
        controls: list[tuple[int, int, int, Control]] = []
        if not self._known:
            controls += [(partition, 0, at[partition], _rules()) for partition in at]
        for patient in sorted(patients - {0}):
            device, p = Enrolled(1000 + patient, 100 + patient, 0, None, 1), patient % 64
            controls += [(p, patient, at[p], one) for one in (Consent(True, 0), Enrolment((device,), (100 + patient,)))]
        self._advance(control_round(controls, self._control))
        self._control += len(controls)
        self._known |= patients

    def found(self) -> dict[str, float]:
        scale = np.array([1, *[_TENTHS] * 4, _TENTHS**2])
        return figures_of(self.samples, self.episodes, self.figures.sums * scale)


def _rules() -> RuleSet:
    both = zip(VITALS, SIGN, LIMIT, strict=True)
    limits = [Limit(v, "high" if s > 0 else "low", None, Level(x / _TENTHS, HOLD_S)) for v, s, x in both]
    return RuleSet(1, tuple(one for one in limits if one.vital != Vital.PULSE_RATE))


def opened_unsealed(blocks: list[Block]) -> Round:
    """The round of records whose payload is well formed and not sealed."""
    blocks = sorted(blocks, key=lambda block: block.partition)
    values = [value for block in blocks for value in block.values]
    records = np.zeros(len(values), RECORD)
    records["partition"] = np.repeat([b.partition for b in blocks], [len(b.values) for b in blocks])
    records["offset"] = np.concatenate([np.arange(b.first, b.next) for b in blocks])
    heads = np.frombuffer(b"".join([value[:_HEAD] for value in values]), HEADER)
    for name in _SHARED:
        records[name] = heads[name]
    records["append"] = heads["received"]  # the log's own stamps are producers', which the transport does not believe
    samples = np.frombuffer(b"".join([value[_HEAD:] for value in values]), SAMPLE)
    size = (np.fromiter(map(len, values), np.int64, len(values)) - _HEAD) // SAMPLE.itemsize
    return Round(records, samples, np.repeat(np.arange(len(values), dtype=np.int32), size))
