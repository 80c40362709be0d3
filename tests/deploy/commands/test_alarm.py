"""What a nurse does at the desk, on the command line, over a real database."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest

from alerts.care.admit import admit_patient
from alerts.care.identity import Identity
from alerts.care.people import add_person
from alerts.care.teams import add_team, join
from alerts.database import now_ms
from alerts.fold.fold import fold_conditions
from devices.wire.control import Facts
from streams.engine.condition import Condition, Priority
from tests.deploy.commands.conftest import PASSWORD, Vigil

BY = ("--by", "m.testova")


def happens(vigil: Vigil, rule: str, vital: int, priority: Priority = Priority.HIGH) -> None:
    with psycopg.connect(vigil.database) as tx:
        second = now_ms(tx) // 1000
        fold_conditions(tx, [
            Condition(1, second, 1, rule, 0, "onset", priority, "physiological", vital=vital, value=140.0, limit=130.0)
        ])  # fmt: skip


def alarms(vigil: Vigil, *words: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(vigil.run("alarm", "list", *words, "--json").stdout)
    return found


@pytest.fixture
def ward(vigil: Vigil) -> Vigil:
    with psycopg.connect(vigil.database) as tx:
        team, other = add_team(tx, "North"), add_team(tx, "South")
        people = {"m.testova": ("nurse", team), "j.sample": ("nurse", team), "o.outside": ("nurse", other)}
        for sign_in, (role, at) in {**people, "a.boss": ("administrator", team)}.items():
            join(tx, add_person(tx, sign_in, sign_in, role, PASSWORD), at)  # type: ignore[arg-type]
        identity = Identity(family="Exampleton", given="Ada", born="1945-07-14", record_number="VT-1")
        admit_patient(tx, vigil.master, identity, team, Facts(), 1)
    happens(vigil, "heart_rate.high", 1)
    happens(vigil, "spo2.low", 3)
    return vigil


def test_one_command_takes_a_patient_and_one_closes_the_work(ward: Vigil) -> None:
    assert [one["state"] for one in alarms(ward)] == ["active", "active"]
    assert ward.run("alarm", "acknowledge", "1", *BY).stdout == "2 alarms of patient 1 acknowledged by m.testova\n"
    assert {(one["state"], one["owner"]) for one in alarms(ward, "--patient", "1")} == {("acknowledged", "m.testova")}
    again = ward.run("alarm", "acknowledge", "1", *BY)
    assert (again.returncode, "has no such alarm" in again.stderr) == (1, True)
    assert ward.run("alarm", "outcome", "1", "false_alarm", *BY).returncode == 1
    assert ward.run("alarm", "note", "1", "daughter informed", *BY).returncode == 0
    assert ward.run("alarm", "outcome", "1", "called", *BY).returncode == 0
    assert {(one["outcome"], one["note"]) for one in alarms(ward)} == {("called", "daughter informed")}


def test_who_is_not_of_the_team_cannot_act_and_nothing_is_changed(ward: Vigil) -> None:
    for who, words in (("o.outside", "another care team"), ("a.boss", "Administrators cannot act")):
        refused = ward.run("alarm", "acknowledge", "1", "--by", who)
        assert (refused.returncode, words in refused.stderr) == (1, True)
    assert ward.run("alarm", "acknowledge", "1", *BY).returncode == 0
    refused = ward.run("alarm", "give", "1", "o.outside", *BY)
    assert (refused.returncode, "another care team" in refused.stderr) == (1, True)
    assert {one["owner"] for one in alarms(ward)} == {"m.testova"}


def test_a_patient_is_given_away_snoozed_and_a_shift_handed_over_with_its_summary(ward: Vigil) -> None:
    assert ward.run("alarm", "acknowledge", "1", *BY).returncode == 0
    assert ward.run("alarm", "give", "1", "j.sample", *BY).returncode == 0
    assert len(alarms(ward, "--of", "j.sample")) == 2
    handed = ward.run("alarm", "hand-over", "j.sample", "m.testova", "--by", "j.sample", "--json")
    assert [(one["patient"], one["rule"], one["owner"]) for one in json.loads(handed.stdout)] == [
        (1, "heart_rate.high", "m.testova"), (1, "spo2.low", "m.testova"),
    ]  # fmt: skip
    nothing = ward.run("alarm", "hand-over", "j.sample", "m.testova", "--by", "j.sample")
    assert (nothing.returncode, "nothing in this person's hands" in nothing.stderr) == (1, True)
    happens(ward, "temperature.high", 7)
    snooze = ("alarm", "snooze", "1", "--minutes", "10", "--reason", "care at the bedside", *BY)
    assert ward.run(*snooze).returncode == 0
    assert {one["state"] for one in alarms(ward)} == {"shelved"}
    assert ward.run("alarm", "unsnooze", "1", *BY).returncode == 0
    assert {one["state"] for one in alarms(ward)} == {"active"}


def test_a_wrong_press_is_taken_back_by_who_made_it(ward: Vigil) -> None:
    assert ward.run("alarm", "acknowledge", "1", *BY).returncode == 0
    refused = ward.run("alarm", "undo", "1", "--by", "j.sample")
    assert (refused.returncode, "nothing to take back" in refused.stderr) == (1, True)
    assert ward.run("alarm", "undo", "1", *BY).stdout == "the last act on 2 alarms of patient 1 is taken back\n"
    assert {(one["state"], one["owner"]) for one in alarms(ward)} == {("active", "nobody")}


def test_a_shift_is_offered_shown_and_accepted(ward: Vigil) -> None:
    assert ward.run("alarm", "acknowledge", "1", *BY).returncode == 0
    assert "hand-over 1 is offered to j.sample" in ward.run("shift", "offer", "j.sample", "--note", "quiet", *BY).stdout
    (shown,) = json.loads(ward.run("shift", "show", "m.testova", "--json").stdout)
    assert (shown["patient"], shown["alarms"]) == (1, 2)
    (offered,) = json.loads(ward.run("shift", "list", "--by", "j.sample", "--json").stdout)
    assert (offered["hand_over"], offered["from"], offered["note"]) == (1, "m.testova", "quiet")
    assert ward.run("shift", "accept", "1", "--by", "j.sample").returncode == 0
    assert {one["owner"] for one in alarms(ward)} == {"j.sample"}
    kinds = [one["what"] for one in json.loads(ward.run("shift", "occurred", "1", "--json").stdout)]
    assert sorted(kinds) == ["onset", "onset", "reassign", "reassign"]
    assert ward.run("shift", "withdraw", "1", *BY).returncode == 1
