"""The job "batch" as a user of numpy would write it for a stream of messages: a patient's arrays, a message at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from benchmarks.peers.job import HOLD_S, HOLE_S, LIMIT, SIGN, VITALS, WINDOWS_S, figures_of
from devices.sample import SAMPLE, STEPS
from devices.wire.batch import HEADER, Kind

Ints = npt.NDArray[np.int64]
LONGEST: Final = max(WINDOWS_S)
_HEAD: Final = HEADER.itemsize
_ROW: Final = np.zeros(256, np.int64)
_ROW[np.array(VITALS)] = np.arange(len(VITALS))
_SIGN: Final = np.array(SIGN)
_BOUND: Final = _SIGN * np.array(LIMIT)
_NEVER: Final = -(1 << 40)
_NOTHING: Final = np.int16(-1)


@dataclass
class Run:
    """The samples of a series beyond its limit; ``newest`` is its last usable second, beyond or not."""

    since: int = 0
    newest: int = _NEVER
    going: bool = False
    counted: bool = False


@dataclass
class Patient:
    """``values`` int16 [vitals, LONGEST]: the seconds before ``at``, in tenths, -1 for none."""

    at: int
    values: npt.NDArray[np.int16]
    runs: list[Run] = field(default_factory=lambda: [Run() for _ in VITALS])


class BatchJob:
    """Counts what it found, over all patients."""

    def __init__(self) -> None:
        self._patients: dict[int, Patient] = {}
        self._sums = np.zeros((len(WINDOWS_S), 6))
        self.samples = self._episodes = 0

    def take(self, message: bytes, at: int) -> None:
        """One record, and its timestamp in ms."""
        if message[1] != Kind.SAMPLES:
            return
        number = int(np.frombuffer(message, HEADER, 1)["patient"][0])
        samples, now = np.frombuffer(message, SAMPLE, -1, _HEAD), at // 1000
        patient = self._patients.get(number)
        if patient is None:
            before = np.full((len(VITALS), LONGEST), _NOTHING, np.int16)
            patient = self._patients[number] = Patient(now, before)
        else:
            before = self._pass(patient, now)
        good = samples["status"] == 0
        vital, second = samples["vital"][good], samples["time"][good] // 1000
        tenths = np.rint(samples["value"][good] * STEPS[vital]).astype(np.int16)
        row = _ROW[vital]
        before[row, second - (now - LONGEST)] = tenths
        patient.at, patient.values = now, before
        self.samples += len(samples)
        beyond = _SIGN[row] * tenths > _BOUND[row]
        if beyond.any() or any(run.going for run in patient.runs):
            for which, when, over in zip(row.tolist(), second.tolist(), beyond.tolist(), strict=True):
                self._follow(patient.runs[which], when, over)
        else:
            for which, run in enumerate(patient.runs):
                mine = second[row == which]
                if mine.size:
                    run.newest = int(mine[-1])

    def _pass(self, patient: Patient, now: int) -> npt.NDArray[np.int16]:
        """The figures of all seconds since the patient's last batch, up to ``now``; the values before ``now``."""
        passed = now - patient.at
        values = np.concatenate((patient.values, np.full((len(VITALS), passed), _NOTHING, np.int16)), 1)
        there = values >= 0
        time = np.arange(values.shape[1])
        value = np.where(there, values, 0).astype(np.int64)
        count = there.astype(np.int64)
        timed = count * time
        sums = np.zeros((6, len(VITALS), values.shape[1] + 1), np.int64)
        np.cumsum(np.stack((count, value, value * value, timed, timed * time, value * time)), 2, out=sums[:, :, 1:])
        ends = slice(LONGEST + 1, LONGEST + passed + 1)
        extremes = _lowest(np.stack((np.where(there, values, np.int16(0x7FFF)), -value.astype(np.int16))), passed)
        for which, window in enumerate(WINDOWS_S):
            begins = slice(LONGEST + 1 - window, LONGEST + passed + 1 - window)
            self._count(which, sums[:, :, ends] - sums[:, :, begins], extremes[which])
        return values[:, passed:]

    def _count(self, which: int, sums: Ints, extremes: npt.NDArray[np.int16]) -> None:
        n = sums[0]
        total = self._sums[which]
        total[0] += int(n.sum())
        enough = n >= 2
        n, v, vv, t, tt, tv = sums[:, enough]
        low, high = extremes[:, enough]
        total[1] += (v / n).sum()
        total[2] += int(low.sum(dtype=np.int64))
        total[3] -= int(high.sum(dtype=np.int64))
        total[4] += np.sqrt((n * vv - v * v) / (n * (n - 1))).sum()
        slope = (n * tv - t * v) / (n * tt - t * t)
        total[5] += slope @ slope

    def _follow(self, run: Run, second: int, beyond: bool) -> None:
        if not beyond:
            run.going = False
        else:
            if not run.going or second - run.newest > HOLE_S:
                run.since, run.going, run.counted = second, True, False
            if not run.counted and second - run.since >= HOLD_S:
                self._episodes += 1
                run.counted = True
        run.newest = second

    def found(self) -> dict[str, float]:
        return figures_of(self.samples, self._episodes, self._sums)


def _lowest(values: npt.NDArray[np.int16], passed: int) -> list[npt.NDArray[np.int16]]:
    """The lowest of each window that ends at the last ``passed`` seconds, by doubling; values [..., LONGEST + passed]."""
    found, length, reach = [], 1, values
    for window in WINDOWS_S:
        while 2 * length <= window:
            reach = np.minimum(reach[..., :-length], reach[..., length:])
            length *= 2
        first = LONGEST + 1 - window
        found.append(np.minimum(
            reach[..., first : first + passed], reach[..., first + window - length : first + window - length + passed]
        ))  # fmt: skip
    return found
