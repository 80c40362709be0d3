"""The address in a message leads to the alarm's patient, whoever follows it."""

from __future__ import annotations

import httpx

from alerts.settings import NotifySettings
from tests.alerts.desk.conftest import OpenDesk, Seeded, Served
from tests.alerts.desk.hands import sign_in
from tests.alerts.desk.seed import PASSWORD


def alarm_of(seeded: Seeded, family: str) -> int:
    with seeded.tx() as tx:
        row = tx.execute("SELECT max(alarm) FROM alarm WHERE subject = %s", [seeded.ward.patients[family]]).fetchone()
    assert row
    return int(row[0])


async def test_a_message_leads_through_the_sign_in_to_the_patient(desk: OpenDesk, served: Served, seeded: Seeded) -> None:
    page = await desk()
    ada, link = seeded.ward.patients["EXAMPLETON"], f"{served.url}/alarms/{alarm_of(seeded, 'EXAMPLETON')}"
    await page.goto(link)
    await page.wait_for_url(f"{served.url}/patients/{ada}")
    await page.context.clear_cookies()
    await page.goto(link)
    await page.wait_for_url("**/sign-in?next=**")
    await page.fill("#user", "m.testova")
    await page.fill("#pw", PASSWORD)
    await page.click("button[type=submit]")
    await page.wait_for_url(f"{served.url}/patients/{ada}")


def test_who_may_not_see_the_patient_is_told_as_everywhere_and_no_other_page_can_be_named(
    served: Served, seeded: Seeded
) -> None:
    link = f"/alarms/{alarm_of(seeded, 'EXAMPLETON')}"
    with sign_in(served.url, "o.outside") as other:
        assert other.get(link).status_code == 404
        assert other.get("/alarms/999999").status_code == 404
    with httpx.Client(base_url=served.url, headers={"sec-fetch-site": "cross-site"}) as client:  # a strict cookie stays away
        assert f'url={link}"' in client.get(link).text
        for goal in ("//elsewhere.example/", "https://elsewhere.example", "/alarms/1/../../x", "/sign-out"):
            assert 'name="next" value="/"' in client.get("/sign-in", params={"next": goal}).text


def test_a_message_links_to_the_desks_public_address(monkeypatch: object, tmp_path: object) -> None:
    environment = {"VIGIL_DATABASE": "x", "VIGIL_MASTER_KEY_FILE": "x", "VIGIL_DESK_PUBLIC_URL": "https://desk.example"}
    assert NotifySettings.model_validate(environment).desk_url == "https://desk.example"
