"""A folder of CSV files, one a patient: a column ``time`` (seconds, or ISO 8601 with a zone), and a column a vital."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np

from deploy.evaluation.errors import DataSetError
from deploy.evaluation.stay import MEASURED, Stay
from devices.vitals import VITALS, Vital

_DAY: Final = 86_400


def read_folder(folder: Path, since: datetime | None = None, until: datetime | None = None) -> Iterator[Stay]:
    """The patients of a folder; of files with ISO times what lies from ``since`` to before ``until``.

    Raises:
        DataSetError: there is no file, or one cannot be read: with its line.
    """
    files = sorted(folder.glob("*.csv"))
    if not files:
        raise DataSetError(f"{folder} has no file *.csv: give a folder with a file a patient.")
    for file in files:
        stay = _read(file, since, until)
        if stay is not None:
            yield stay


def _read(file: Path, since: datetime | None, until: datetime | None) -> Stay | None:
    known = {spec.column: spec for spec in VITALS.values()}
    found: list[tuple[float, int, float]] = []
    with file.open(encoding="utf-8-sig", newline="") as opened:
        rows = csv.DictReader(opened)
        columns = [name for name in rows.fieldnames or () if name in known]
        if "time" not in (rows.fieldnames or ()) or not columns:
            raise DataSetError(f"{file}:1: a file has a column time and columns such as heart_rate: {', '.join(known)}.")
        for row in rows:
            try:
                at = _seconds(row["time"], since, until)
                values = [(known[name], float(row[name])) for name in columns if row[name]]
            except (ValueError, TypeError) as error:
                raise DataSetError(f"{file}:{rows.line_num}: {error}.") from None
            if at is not None:
                found += [
                    (at, int(spec.vital), value) for spec, value in values if spec.plausible[0] <= value <= spec.plausible[1]
                ]
    if not found:
        return None
    first = min(at for at, _, _ in found)
    measured = np.array(sorted((int(at - first), vital, value) for at, vital, value in found), MEASURED)
    return Stay(
        file.stem,
        measured,
        int(measured["second"][-1]) + 1,
        interval_s=0,
        intervals=intervals_of(measured),
        origin_s=int(first) % _DAY,
    )


def _seconds(text: str, since: datetime | None, until: datetime | None) -> float | None:
    """A time in seconds; ``None``: outside what was asked for."""
    try:
        number = float(text)
    except ValueError:
        at = datetime.fromisoformat(text)
        if at.tzinfo is None:
            raise ValueError(f"{text} has no zone, such as +01:00 or Z") from None
        if (since is not None and at < since) or (until is not None and at >= until):
            return None
        return at.timestamp()
    if not math.isfinite(number):
        raise ValueError(f"{text} is no time")
    return number


def intervals_of(measured: np.ndarray) -> dict[int, int]:
    """The seconds between two values of each vital: the middle distance of its values; episodic vitals are used by hand."""
    out = {}
    for vital in np.unique(measured["vital"]).tolist():
        second = np.unique(measured["second"][measured["vital"] == vital])
        if VITALS[Vital(vital)].continuous and len(second) > 1:
            out[vital] = max(int(np.median(np.diff(second))), 1)
    return out
