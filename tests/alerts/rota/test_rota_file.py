"""A rota's file, and its errors with their lines."""

from __future__ import annotations

from datetime import date, time

import pytest

from alerts.rota.errors import RotaFileError
from alerts.rota.policy import Step
from alerts.rota.rota_file import read_rota_file
from streams.engine.condition import Priority

FILE = """\
zone = "Europe/Berlin"
manager = "A.Boss"

[[layer]]
name = "nurse"
people = ["m.testova", "j.sample"]
begins = 2026-11-30
hand_over = "Mon 07:00"

[[layer]]
name = "charge"
people = ["c.head"]
begins = 2026-11-30
hand_over = "07:00"
from = "19:00"
to = "07:00"

[[escalation.high]]
call = ["nurse"]
wait_min = 2

[[escalation.high]]
call = ["charge", "p.doc"]
wait_min = 3

[[escalation.high]]
call = ["team"]
"""


def test_a_file_becomes_a_rota() -> None:
    rota = read_rota_file(FILE)
    assert (rota.zone.key, rota.manager, rota.names) == ("Europe/Berlin", "a.boss", ["nurse", "charge"])
    nurse, charge = rota.layers
    assert (nurse.begins, nurse.hand_over, nurse.days, nurse.hours) == (date(2026, 11, 30), time(7), 7, None)
    assert charge.days == 1
    assert charge.hours is not None
    assert rota.policy.of(Priority.HIGH) == (Step(("nurse",), 2), Step(("charge", "p.doc"), 3), Step(("team",), 2))
    assert rota.policy.of(Priority.MEDIUM) == ()
    assert rota.people() == {"m.testova", "j.sample", "c.head", "p.doc", "a.boss"}


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ('"Europe/Berlin"', '"Mars/Base"', 1, "no time zone 'Mars/Base'"),
        ('manager = "A.Boss"', "", 1, "manager ="),
        ('begins = 2026-11-30\nhand_over = "Mon', 'begins = 2026-12-01\nhand_over = "Mon', 7, "2026-12-01 is a Tue"),
        ('"Mon 07:00"', '"Moon 07:00"', 8, "no day Moon"),
        ('"Mon 07:00"', '"Mon 7.00"', 8, "write such as"),
        ('from = "19:00"', 'from = "25:00"', 15, "no time of the day"),
        ('people = ["c.head"]', "people = []", 12, "length >= 1"),
        ('people = ["c.head"]', "", 10, "missing required field"),
        ('name = "charge"', 'name = "team"', 11, "another name"),
        ("wait_min = 3", "wait_min = 0", 24, ">= 1"),
        ("wait_min = 3", "wait_mins = 3", 24, "unknown field"),
        ('[[layer]]\nname = "nurse"', '[layer]\nname = "nurse"', 10, "no TOML"),
        ('call = ["nurse"]', 'call = "nurse"', 19, "array"),
    ],
)  # fmt: skip
def test_an_error_names_its_line_and_what_is_right(old: str, new: str, line: int, words: str) -> None:
    assert old in FILE
    with pytest.raises(RotaFileError) as error:
        read_rota_file(FILE.replace(old, new, 1))
    assert [(one.line, words in one.message) for one in error.value.faults] == [(line, True)], error.value


def test_all_errors_are_named_at_once() -> None:
    with pytest.raises(RotaFileError) as error:
        read_rota_file(FILE.replace('"Mon 07:00"', '"x"').replace("wait_min = 3", "wait_min = 0").replace("A.Boss", ""))
    assert [one.line for one in error.value.faults] == [2, 8, 24]


def test_a_file_without_anybody_to_call_is_refused() -> None:
    with pytest.raises(RotaFileError, match="who is called for a high alarm"):
        read_rota_file(FILE.partition("[[escalation")[0])
