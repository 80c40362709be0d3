"""BIDMC: 53 recordings of eight minutes, each second a heart rate, pulse, respiration and saturation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from deploy.evaluation.errors import DataSetError
from deploy.evaluation.stay import MEASURED, Stay
from simulators.errors import RecordingError
from simulators.replay import COLUMNS, PATTERN, read_recording


def read_bidmc(folder: Path) -> Iterator[Stay]:
    """The recordings of a folder.

    Raises:
        DataSetError: there is none, or one cannot be read.
    """
    files = sorted(folder.glob(PATTERN))
    if not files:
        raise DataSetError(f"{folder} has no {PATTERN}: give the folder of the BIDMC numerics.")
    for file in files:
        try:
            found = read_recording(file)
        except RecordingError as error:
            raise DataSetError(str(error)) from None
        rows = [
            (int(second), int(vital), float(value))
            for pairs in COLUMNS.values()
            for column, vital in pairs
            for second, value in zip(found.seconds.tolist(), found.columns[column].tolist(), strict=True)
            if value > 0
        ]
        yield Stay(found.name, np.array(sorted(rows), MEASURED), found.duration + 1)
