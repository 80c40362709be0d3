"""PhysioNet's challenge of 2012 (set a): 4,000 stays of 48 hours in intensive care, with charted vitals about once an hour.

``set-a.tar.gz`` holds a file a stay (Time, Parameter, Value) and ``Outcomes-a.txt``.  An event is what comes first of: a
ventilator that is first seen six hours or more after admission, and the end of the record of somebody who died within three
days.  Values of ventilated patients say little of people at home: nobody counts after their event, nor who is ventilated
from the begin.
"""

from __future__ import annotations

import csv
import io
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import numpy as np

from deploy.evaluation.errors import DataSetError
from deploy.evaluation.stay import MEASURED, Stay
from devices.vitals import VITALS, Vital

COLUMNS: Final = {
    "HR": Vital.HEART_RATE, "RespRate": Vital.RESPIRATORY_RATE, "SaO2": Vital.SPO2, "Temp": Vital.TEMPERATURE,
    "SysABP": Vital.SYSTOLIC, "NISysABP": Vital.SYSTOLIC, "DiasABP": Vital.DIASTOLIC, "NIDiasABP": Vital.DIASTOLIC,
}  # fmt: skip
_HOUR: Final = 3600
_LENGTH_S: Final = 48 * _HOUR
_EARLIEST_S: Final = 6 * _HOUR
_INTERVAL_S: Final = 4 * _HOUR
"""The interval with which a charted value counts for two of them: eight hours."""
_DIED_BY: Final = 3
"""Days."""


def read_physionet(path: Path) -> Iterator[Stay]:
    """The stays of the archive.

    Raises:
        DataSetError: it is no such archive.
    """
    try:
        with tarfile.open(path) as archive:
            texts = {
                Path(one.name).stem: io.TextIOWrapper(file, encoding="ascii").read()
                for one in archive
                if one.isfile() and (file := archive.extractfile(one))
            }
    except (tarfile.TarError, OSError, UnicodeDecodeError) as error:
        raise DataSetError(f"{path} cannot be read ({error}): give the file set-a.tar.gz of PhysioNet 2012.") from None
    if "Outcomes-a" not in texts:
        raise DataSetError(f"{path} has no Outcomes-a.txt: give the file set-a.tar.gz of PhysioNet 2012.")
    outcomes = {row["RecordID"]: row for row in csv.DictReader(texts.pop("Outcomes-a").splitlines())}
    for name, text in sorted(texts.items()):
        if name in outcomes:
            stay = stay_of(name, list(csv.reader(text.splitlines()))[1:], outcomes[name])
            if stay is not None:
                yield stay


def stay_of(name: str, rows: Iterable[list[str]], outcome: dict[str, str]) -> Stay | None:
    """One stay; ``None`` for somebody who was ventilated from the begin or under 16."""
    measured: list[tuple[int, int, float]] = []
    age, ventilated = 50.0, None
    for time, parameter, text in rows:
        second, value = _seconds(time), float(text)
        if parameter == "Age":
            age = value
        elif parameter == "MechVent" and ventilated is None:
            ventilated = second
        elif (vital := COLUMNS.get(parameter)) is not None and second < _LENGTH_S:
            low, high = VITALS[vital].plausible
            if low <= value <= high:
                measured.append((second, int(vital), value))
    if age < 16 or (ventilated is not None and ventilated < _EARLIEST_S):
        return None
    died = outcome["In-hospital_death"] == "1" and 0 <= int(outcome["Survival"]) <= _DIED_BY
    event = ventilated if ventilated is not None else _LENGTH_S if died else None
    measured.sort()
    table = np.array(measured, MEASURED)
    return Stay(name, table, _LENGTH_S, event, f"{2010 - int(age)}-01-01", _INTERVAL_S)


def _seconds(time: str) -> int:
    hours, minutes = time.split(":")
    return int(hours) * _HOUR + int(minutes) * 60
