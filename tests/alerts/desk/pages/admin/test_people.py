"""An administrator adds people and teams, gives passwords and access, and takes them away with an undo."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest

from tests.alerts.desk.conftest import Seeded, Served
from tests.alerts.desk.hands import door_token, sign_in

NEW = {"sign_in": "n.ew", "name": "N. Ew RN", "role": "nurse"}


@pytest.fixture
def admin(served: Served) -> Iterator[httpx.Client]:
    with sign_in(served.url, "r.root") as client:
        client.follow_redirects = True
        yield client


def shown_password(page: httpx.Response) -> str:
    found = re.search(r'shown-once">([a-z0-9-]{19})<', page.text)
    assert found, page.text
    return found[1]


def may_enter(served: Served, password: str) -> bool:
    with httpx.Client(base_url=served.url, timeout=15) as client:
        data = {"door": door_token(client), "username": NEW["sign_in"], "password": password}
        return client.post("/sign-in", data=data).status_code == 303


def test_a_person_gets_access_a_new_password_and_an_end_which_is_undone(
    served: Served, seeded: Seeded, admin: httpx.Client
) -> None:
    assert "is blank" in admin.post("/admin/people", data={**NEW, "name": " "}).text
    page = admin.post("/admin/people", data={**NEW, "team": str(seeded.ward.team)})
    first = shown_password(page)
    assert "Home ward North" in page.text and may_enter(served, first)
    assert "is taken" in admin.post("/admin/people", data=NEW).text
    second = shown_password(admin.post("/admin/people/n.ew/password"))
    assert not may_enter(served, first) and may_enter(served, second)
    page = admin.post("/admin/people/n.ew/disable")
    assert "can sign in no more" in page.text and "Undo" in page.text and not may_enter(served, second)
    assert "can sign in again" in admin.post("/admin/people/n.ew/enable").text and may_enter(served, second)
    assert "clinician" in admin.post("/admin/people/n.ew", data={"name": "N. Ew", "role": "clinician"}).text
    assert "no member" in admin.post("/admin/people/n.ew/leave", data={"team": str(seeded.ward.team)}).text
    assert "is a member" in admin.post("/admin/people/n.ew/join", data={"team": str(seeded.ward.elsewhere)}).text
    assert admin.get("/admin/people/no.body").status_code == 404
    with seeded.tx() as tx:
        rows = tx.execute("SELECT action FROM audit WHERE action LIKE 'person.%' OR action LIKE 'team.%' ORDER BY audit")
        assert [row[0] for row in rows] == [
            "person.added", "team.joined", "person.password", "person.disabled", "person.enabled", "person.changed",
            "team.left", "team.joined",
        ]  # fmt: skip


def test_an_administrator_does_not_take_their_own_access_away(admin: httpx.Client) -> None:
    assert "Disable" not in admin.get("/admin/people/r.root").text
    assert "your own access" in admin.post("/admin/people/r.root/disable").text
    assert "your own access" in admin.post("/admin/people/r.root", data={"name": "R. Root", "role": "nurse"}).text
    assert admin.get("/admin/people").status_code == 200


def test_a_team_is_added_once_and_its_channels_are_chosen_among_those_that_exist(
    admin: httpx.Client, seeded: Seeded, served: Served
) -> None:
    assert "The care team is there" in admin.post("/admin/teams", data={"name": "Home ward East"}).text
    assert "is called home ward east already" in admin.post("/admin/teams", data={"name": "home ward east"}).text
    path = f"/admin/teams/{seeded.ward.team}/channels"
    assert "no such channel" in admin.post(path, data={"channel": "pigeon"}).text
    assert "Changed." in admin.post(path, data={"channel": "log"}).text
    with seeded.tx() as tx:
        assert tx.execute("SELECT channels FROM care_team WHERE team = %s", [seeded.ward.team]).fetchone() == (["log"],)
    assert admin.post("/admin/teams/999999/channels", data={}).status_code == 404
    with sign_in(served.url, "m.testova") as nurse:
        for page in ("people", "people/r.root", "teams"):
            assert nurse.get(f"/admin/{page}").status_code == 403
        for act in (
            "people",
            "people/r.root/password",
            "people/r.root/disable",
            "teams",
            f"teams/{seeded.ward.team}/channels",
        ):
            assert nurse.post(f"/admin/{act}", data=NEW).status_code == 403
