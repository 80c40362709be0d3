"""The reports of a programme on the command line."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from alerts.reports.csv_file import cell
from tests.deploy.commands.conftest import Vigil
from tests.deploy.commands.test_registers import seeded, ward

__all__ = ["seeded", "ward"]
pytestmark = pytest.mark.stack


def test_reports_are_a_table_json_or_a_file(ward: Vigil, tmp_path: Path) -> None:
    found = json.loads(ward.run("report", "adherence", "--json").stdout)
    assert [(one["name"], one["days"], one["of"]) for one in found] == [
        ("EXAMPLETON, Ada", 0, 30),
        ("TESTWELL, Bruno", 0, 30),
    ]
    assert "EXAMPLETON, Ada" in ward.run("report", "adherence", "--zone", "Europe/Berlin").stdout
    file = tmp_path / "days.csv"
    assert "2 rows are in" in ward.run("report", "adherence", "--csv", str(file)).stdout
    assert [row["name"] for row in csv.DictReader(file.read_text().splitlines())] == ["EXAMPLETON, Ada", "TESTWELL, Bruno"]
    care = json.loads(ward.run("report", "care", "--json").stdout)
    assert [(one["name"], one["minutes"], one["codes"]) for one in care] == [
        ("EXAMPLETON, Ada", 0, ""), ("TESTWELL, Bruno", 0, ""),
    ]  # fmt: skip
    assert "is no month: write it as 2026-11" in ward.run("report", "care", "--month", "2026-13").stderr
    assert ward.run("report", "alarms").stdout == "No alarm of a patient began in these days.\n"
    assert ward.run("report", "review").stdout == "No alarm of these days was false or shorter than 30 s.\n"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--from", "2026-13-01"), "is no date: write it as 2026-11-01"),
        (("--zone", "Berlin/Europe"), "is no time zone: write one as Europe/Berlin"),
        (("--zone", "../etc"), "is no time zone"),
    ],
)
def test_what_cannot_be_meant_is_said(ward: Vigil, words: tuple[str, str], sentence: str) -> None:
    done = ward.run("report", "alarms", *words)
    assert done.returncode == 1
    assert sentence in done.stderr


def test_no_cell_of_a_file_is_a_formula() -> None:
    assert [cell(value) for value in ("=1+1", "@x", "Ada", 7, None)] == ["'=1+1", "'@x", "Ada", 7, None]
