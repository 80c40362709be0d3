"""Recordings of real patients (BIDMC numerics at 1 Hz), played as wearables.

Source of the files: BIDMC PPG and Respiration Dataset (PhysioNet), ``bidmc_NN_Numerics.csv`` with the columns Time [s], HR,
PULSE, RESP, SpO2; NaN where the monitor had no value.  A chest belt gives HR and RESP, an oximeter PULSE and SpO2.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from devices.sample import SAMPLE, Samples, mark_implausible
from devices.vitals import Vital
from simulators.errors import RecordingError
from simulators.scenario import Sensor

PATTERN: Final = "bidmc_*_Numerics.csv"

COLUMNS: Final[dict[Sensor, tuple[tuple[str, Vital], ...]]] = {
    Sensor.BELT: (("HR", Vital.HEART_RATE), ("RESP", Vital.RESPIRATORY_RATE)),
    Sensor.OXIMETER: (("PULSE", Vital.PULSE_RATE), ("SpO2", Vital.SPO2)),
}
"""The columns of each device, each with its vital."""


@dataclass(frozen=True, slots=True)
class Recording:
    """``seconds`` int64 [n] after the first row (whose own time may be -1), rising.

    ``columns`` by name, float32 [n], NaN where the monitor had no value.
    """

    name: str
    seconds: npt.NDArray[np.int64]
    columns: dict[str, npt.NDArray[np.float32]]

    @property
    def duration(self) -> int:
        """Seconds from the first to the last row."""
        return int(self.seconds[-1])


def read_recording(path: Path) -> Recording:
    """Read one numerics file; :class:`RecordingError` for any other file."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = [[cell.strip() for cell in row] for row in csv.reader(file) if row]
        names = rows[0] if rows else []
        table = np.array([[float(cell or "nan") for cell in row] for row in rows[1:]], np.float64)
    except (OSError, ValueError, csv.Error) as error:
        raise RecordingError(f"{path.name} is no recording ({error}): take it out of the folder") from None
    wanted = [name for pairs in COLUMNS.values() for name, _ in pairs]
    missing = [name for name in ("Time [s]", *wanted) if name not in names]
    if missing or table.shape[1:] != (len(names),):
        lacks = missing[0] if missing else "whole rows"
        raise RecordingError(f"{path.name} is no recording (it has no {lacks}): take it out of the folder")
    seconds = table[:, names.index("Time [s]")]
    if not np.isfinite(seconds).all() or (np.diff(seconds) <= 0).any() or (seconds % 1).any():
        raise RecordingError(f"{path.name} is no recording (its times do not rise by whole seconds): take it out")
    columns = {name: table[:, names.index(name)].astype(np.float32) for name in wanted}
    return Recording(path.name.removesuffix("_Numerics.csv"), (seconds - seconds[0]).astype(np.int64), columns)


def read_folder(folder: Path, limit: int | None = None) -> list[Recording]:
    """Read the recordings of a folder by name, at most ``limit``; :class:`RecordingError` if there are none."""
    paths = sorted(folder.glob(PATTERN))[:limit]
    if not paths:
        raise RecordingError(f"there are no recordings ({PATTERN}) in {folder}; name a folder that has some")
    return [read_recording(path) for path in paths]


def samples(recording: Recording, sensor: Sensor, start: int) -> Samples:
    """All samples of ``sensor``, SAMPLE [n] by time; the recording begins at ``start`` (ms since the epoch).

    ``time`` is the measured time.  A missing value is no sample; an implausible one is marked as the gateway will mark it.
    """
    parts: list[Samples] = []
    for name, vital in COLUMNS[sensor]:
        present = ~np.isnan(recording.columns[name])
        part = np.zeros(int(present.sum()), SAMPLE)
        part["time"] = start + recording.seconds[present] * 1000
        part["value"] = recording.columns[name][present]
        part["vital"] = vital
        parts.append(part)
    found = np.concatenate(parts)
    mark_implausible(found)
    return found[np.argsort(found["time"], kind="stable")]


def start_of(now: int, duration: float, speed: float) -> int:
    """The start (ms since the epoch) of a recording of ``duration`` seconds whose replay begins at ``now``.

    Rows stay one second apart at any speed, so a fast replay begins in the past: its last row is measured when it is
    published, and no row is ever ahead of the clock.
    """
    if speed <= 0:
        raise RecordingError("the speed of a replay has to be more than 0")
    return now - round(max(0.0, duration * (1 - 1 / speed)) * 1000)


class Player:
    """Plays one device's readings, each at its moment.  Pure: time comes in as an argument."""

    def __init__(self, recording: Recording, sensor: Sensor, *, began: int, speed: float) -> None:
        self.recording, self.sensor, self.began, self.speed = recording, sensor, began, speed
        self.start = start_of(began, recording.duration, speed)
        self.samples = samples(recording, sensor, self.start)
        self.address = f"{recording.name}-{sensor}"
        self._next = 0

    @property
    def done(self) -> bool:
        """True once the whole recording was played."""
        return self._next == len(self.samples)

    def due(self, now: int) -> Sequence[tuple[int, Samples]]:
        """The readings that are due at ``now`` (ms since the epoch), each once: (measured ms, SAMPLE [k])."""
        until = self.start + (now - self.began) * self.speed
        times = self.samples["time"]
        end = int(np.searchsorted(times, until, side="right"))
        block = self.samples[self._next : max(end, self._next)]
        self._next = max(end, self._next)
        if not len(block):
            return []
        moments, first = np.unique(block["time"], return_index=True)
        return [(int(at), part) for at, part in zip(moments, np.split(block, first[1:]), strict=True)]


def players(recordings: Sequence[Recording], *, began: int, speed: float) -> list[Player]:
    """Make a player for every device of every recording; all begin at ``began`` (ms since the epoch)."""
    return [Player(recording, sensor, began=began, speed=speed) for recording in recordings for sensor in COLUMNS]
