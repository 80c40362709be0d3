"""People, passwords, and who sees whom."""

from __future__ import annotations

import pytest

from alerts.care.people import Person, add_person, disable_person, person_with, set_password
from alerts.care.teams import add_team, join, leave, set_channels
from alerts.errors import InvalidPersonError, UnknownRecordError

PASSWORD = "a good long one"


def test_a_password_is_argon2id_and_signs_in(db):
    number = add_person(db, " Nurse ", "M. Testova", "nurse", PASSWORD)
    assert db.execute("SELECT password FROM person").fetchone()[0].startswith("$argon2id$")
    assert person_with(db, "nurse", PASSWORD) == Person(number, "nurse", "M. Testova", "nurse")
    assert person_with(db, "NURSE", PASSWORD) is not None
    assert person_with(db, "nurse", PASSWORD + "x") is None
    assert person_with(db, "nobody", PASSWORD) is None


def test_a_new_password_and_a_disabled_person_end_all_sessions(db):
    number = add_person(db, "nurse", "M. Testova", "nurse", PASSWORD)
    db.execute("INSERT INTO session (hash, person) VALUES ('a', %s)", [number])
    set_password(db, number, "another long one")
    assert db.execute("SELECT ended IS NOT NULL FROM session").fetchone() == (True,)
    assert person_with(db, "nurse", PASSWORD) is None
    disable_person(db, number)
    assert person_with(db, "nurse", "another long one") is None
    with pytest.raises(UnknownRecordError):
        disable_person(db, number + 1)


@pytest.mark.parametrize(
    ("sign_in", "role", "password"),
    [("nurse", "nurse", PASSWORD), ("x", "owner", PASSWORD), ("y", "nurse", "short"), (" ", "nurse", PASSWORD)],
)
def test_who_cannot_be_added_is_refused(db, sign_in, role, password):
    add_person(db, "nurse", "M. Testova", "nurse", PASSWORD)
    with pytest.raises(InvalidPersonError):
        add_person(db, sign_in, "Somebody", role, password)
    assert db.execute("SELECT count(*) FROM person").fetchone() == (1,)


def teams_of(db, person):
    return [
        team
        for (team,) in db.execute("SELECT team FROM membership WHERE person = %s AND until IS NULL ORDER BY team", [person])
    ]


def test_a_person_joins_a_team_once_and_leaves_it(db, ward):
    nurse = add_person(db, "nurse", "M. Testova", "nurse", PASSWORD)
    admin = add_person(db, "admin", "J. Sample", "administrator", PASSWORD)
    south = add_team(db, "South")
    join(db, nurse, ward.team)
    join(db, nurse, ward.team)
    join(db, admin, south)
    assert (teams_of(db, nurse), teams_of(db, admin)) == ([ward.team], [south])
    leave(db, nurse, ward.team)
    assert (teams_of(db, nurse), teams_of(db, admin)) == ([], [south])
    with pytest.raises(UnknownRecordError):
        join(db, nurse, 999)


def test_a_team_chooses_its_channels(db, ward):
    set_channels(db, ward.team, ["log", "webhook"])
    assert db.execute("SELECT channels FROM care_team WHERE team = %s", [ward.team]).fetchone() == (["log", "webhook"],)
    with pytest.raises(UnknownRecordError):
        set_channels(db, 999, ["log"])
