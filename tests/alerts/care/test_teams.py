"""Care teams: members and channels."""

from __future__ import annotations

import pytest

from alerts.care.people import add_person
from alerts.care.teams import add_team, join, leave, set_channels
from alerts.errors import UnknownRecordError
from tests.alerts.care.conftest import Ward
from tests.alerts.care.test_people import PASSWORD
from tests.alerts.conftest import Db


def teams_of(db: Db, person: int) -> list[int]:
    return [
        team
        for (team,) in db.execute("SELECT team FROM membership WHERE person = %s AND until IS NULL ORDER BY team", [person])
    ]


def test_a_person_joins_a_team_once_and_leaves_it(db: Db, ward: Ward) -> None:
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


def test_a_team_chooses_its_channels(db: Db, ward: Ward) -> None:
    set_channels(db, ward.team, ["log", "webhook"])
    assert db.execute("SELECT channels FROM care_team WHERE team = %s", [ward.team]).fetchone() == (["log", "webhook"],)
    with pytest.raises(UnknownRecordError):
        set_channels(db, 999, ["log"])
