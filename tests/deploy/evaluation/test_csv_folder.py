"""Folders of CSV as stays."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from deploy.evaluation.csv_folder import read_folder
from deploy.evaluation.errors import DataSetError
from devices.vitals import Vital


def test_seconds_and_times_with_a_zone_are_read_and_what_is_implausible_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("time,heart_rate,weight,colour\n5,80,,red\n65,81,70.5,\n125,900,,\n")
    (tmp_path / "b.csv").write_text(
        "time,spo2\n2026-11-01T22:00:00+01:00,95\n2026-11-01T22:01:00+01:00,94\n2026-11-03T00:00Z,1\n"
    )
    first, second = read_folder(tmp_path, datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC))
    assert first.measured["second"].tolist() == [0, 60, 60]
    assert (first.intervals, first.end_s) == ({int(Vital.HEART_RATE): 60}, 61), "weight is measured by hand"
    assert (second.name, second.origin_s, second.intervals) == ("b", 21 * 3600, {int(Vital.SPO2): 60})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("when,spo2\n1,95\n", ":1: a file has a column time"),
        ("time,colour\n1,95\n", ":1: a file has a column time"),
        ("time,spo2\n1,95\n2,high\n", ":3: could not convert"),
        ("time,spo2\nnan,95\n", ":2: nan is no time"),
        ("time,spo2\n2026-11-01T10:00,95\n", ":2: 2026-11-01T10:00 has no zone"),
    ],
)
def test_a_file_that_cannot_be_read_names_its_line(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(DataSetError, match=f"a.csv{message}"):
        list(read_folder(tmp_path))


def test_an_empty_folder_says_what_belongs_there(tmp_path: Path) -> None:
    with pytest.raises(DataSetError, match="a file a patient"):
        list(read_folder(tmp_path))
