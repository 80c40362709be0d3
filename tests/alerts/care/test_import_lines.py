"""Lines of a file of patients: what is read, and what is wrong where."""

from __future__ import annotations

from datetime import date

import pytest

from alerts.care.identity import Identity
from alerts.care.import_lines import MOST_LINES, ImportLine, decoded, read_lines
from alerts.errors import InvalidImportError

TEAMS = {1: "North", 2: "South", 3: "South"}
TODAY = date(2026, 11, 30)
HEAD = "family,given,born,record\n"
GOOD = "Exampleton,Ada,1945-07-14,VT-1\n"


def lines(text: str, team: int | None = 1) -> list[ImportLine]:
    return read_lines(text, TEAMS, team, TODAY)


def problems(text: str, team: int | None = 1) -> list[tuple[int, str]]:
    return [(line.line, problem.column) for line in lines(text, team) for problem in line.problems]


def test_a_line_is_a_patient() -> None:
    text = "record;Born;given;family;phone;team;consent\nVT-1;1945-07-14; Ada ;Exampleton;+44 1632 960001;north;Yes\n"
    identity = Identity(family="Exampleton", given="Ada", born="1945-07-14", record_number="VT-1", phone="+44 1632 960001")
    assert lines(text, None) == [ImportLine(2, identity, 1, True)]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_spreadsheets_save_in_several_ways(separator: str, end: str) -> None:
    text = "\ufeff" + (HEAD + GOOD + "\n" + GOOD.replace("VT-1", "VT-2")).replace(",", separator).replace("\n", end)
    assert [(one.line, one.identity.record_number, one.problems) for one in lines(decoded(text.encode()))] == [
        (2, "VT-1", ()),
        (4, "VT-2", ()),
    ]


def test_each_problem_names_its_line_and_column_and_good_lines_stand_beside() -> None:
    text = HEAD + ",Ada,14.07.1945,VT-2\n" + GOOD + "Testwell,Bruno,2030-01-01,-\n"
    assert problems(text) == [(2, "family"), (2, "born"), (4, "born"), (4, "record")]


def test_a_record_number_stands_once_however_it_is_spelled() -> None:
    text = HEAD + GOOD + "Testwell,Bruno,1958-03-02,vt 1\n"
    (problem,) = lines(text)[1].problems
    assert (problem.column, problem.message[:6]) == ("record", "Line 2")


@pytest.mark.parametrize(("named", "found"), [("1", 1), ("North", 1), ("south", 0), ("3", 3), ("9", 0), ("", 1)])
def test_a_team_is_named_by_number_or_by_a_name_that_only_one_has(named: str, found: int) -> None:
    (line,) = lines(f"family,given,born,record,team\nExampleton,Ada,1945-07-14,VT-1,{named}\n")
    assert line.team == found
    assert bool(line.problems) == (not found)


def test_consent_is_yes_or_no() -> None:
    assert problems("family,given,born,record,consent\nExampleton,Ada,1945-07-14,VT-1,perhaps\n") == [(2, "consent")]


@pytest.mark.parametrize(("cells", "column"), [("Exampleton,Ada,1945-07-14", "record"), ("a,b,c,d,e", "record")])
def test_a_line_with_another_number_of_values_is_named(cells: str, column: str) -> None:
    assert problems(HEAD + cells + "\n" + GOOD) == [(2, column)]


def test_a_name_may_hold_a_line_end_and_lines_are_counted_as_an_editor_counts_them() -> None:
    assert problems(HEAD + '"Example\nton",Ada,1945-07-14,VT-1\n,Bruno,1958-03-02,VT-2\n') == [(4, "family")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no column family"),
        ("family,given,born\n", "no column record"),
        ("family,given,born,record,weight\n" + GOOD, "'weight'"),
        ("family,given,born,record,record\n" + GOOD, "twice"),
        (HEAD, "no patient"),
        (HEAD + '"Exampleton,Ada,1945-07-14,VT-1\n', "line 2"),
        (HEAD + GOOD * (MOST_LINES + 1), "divide"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_whole(text: str, message: str) -> None:
    with pytest.raises(InvalidImportError, match=message):
        lines(text)


def test_a_file_without_any_team_is_refused_and_so_is_one_of_another_encoding() -> None:
    with pytest.raises(InvalidImportError, match="care team"):
        lines(HEAD + GOOD, None)
    with pytest.raises(InvalidImportError, match="UTF-8"):
        decoded("Exampletön".encode("cp1252"))
