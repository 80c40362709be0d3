"""What fails in a browser is seen where it was tried, and nobody is offered what they may not do."""

from __future__ import annotations

from playwright.async_api import Locator

from alerts.care.teams import join
from tests.alerts.desk.conftest import OpenDesk, Seeded, Served
from tests.alerts.desk.hands import sign_in, text
from tests.alerts.desk.pages.test_worklist import row


async def seen(failed: Locator) -> str:
    await failed.wait_for(state="visible")
    return await text(failed.locator("b"))


async def test_an_act_without_connection_says_at_its_row_that_it_was_not_done(desk: OpenDesk, seeded: Seeded) -> None:
    page = await desk()
    bruno, failed = row(page, seeded, "TESTWELL"), page.locator(f"#failed-row-p{seeded.ward.patients['TESTWELL']}")
    await page.route("**/acknowledge", lambda route: route.abort())
    await bruno.get_by_role("button", name="Acknowledge").click()
    assert (await seen(failed)).startswith("Not acknowledged: no connection to Vigil. Press again")
    await page.locator("[data-update]").click()
    await page.locator("#say", has_text="List updated.").wait_for(state="attached")
    assert await failed.is_visible()  # a new list keeps it
    await page.unroute("**/acknowledge")
    await bruno.get_by_role("button", name="Acknowledge").click()
    await bruno.locator(".own", has_text="(you)").wait_for()
    assert await failed.count() == 0


async def test_a_refused_act_gives_its_reason_at_its_row_or_form(desk: OpenDesk, served: Served, seeded: Seeded) -> None:
    page = await desk()
    edith, failed = row(page, seeded, "PLACEHOLDER"), page.locator(f"#failed-row-p{seeded.ward.patients['PLACEHOLDER']}")
    with seeded.tx() as tx:
        tx.execute("UPDATE person SET role = 'administrator' WHERE person = %s", [seeded.ward.nurse])
    await edith.get_by_role("button", name="Acknowledge").click()
    assert "ask a nurse or clinician of the care team" in await seen(failed)
    with seeded.tx() as tx:
        tx.execute("UPDATE person SET role = 'nurse' WHERE person = %s", [seeded.ward.nurse])
    await page.evaluate("document.body.dataset.csrf = 'stale'")
    await edith.get_by_role("button", name="Acknowledge").click()
    await failed.locator("b", has_text="reload the page and try again").wait_for()
    await page.goto(f"{served.url}/patients/{seeded.ward.patients['PLACEHOLDER']}")
    await page.route("**/limits", lambda route: route.abort())
    limits = page.locator("#limits")
    await limits.get_by_label("Reason").select_option("New treatment")
    await limits.get_by_role("button", name="Save limits").click()
    assert "Limits not saved: no connection" in await seen(limits.locator(".failed"))
    await page.route("**/pause", lambda route: route.fulfill(status=500, body="no"))
    await page.locator("#work").get_by_role("button", name="Snooze").click()
    assert "The form did not open: Vigil could not do this" in await seen(page.locator("#work .failed"))


async def test_of_two_the_second_is_told_at_the_row_too(desk: OpenDesk, seeded: Seeded, served: Served) -> None:
    page = await desk()
    await page.route("**/rows?*", lambda route: route.abort())
    alarm = await row(page, seeded, "PLACEHOLDER").locator("[data-act=ack]").get_attribute("data-alarm")
    with sign_in(served.url, "j.sample") as colleague:
        assert colleague.post(f"/alarms/{alarm}/acknowledge", data={"version": "1"}).status_code == 200
    await row(page, seeded, "PLACEHOLDER").get_by_role("button", name="Acknowledge").click()
    failed = page.locator(f"#failed-row-p{seeded.ward.patients['PLACEHOLDER']}")
    assert "Not acknowledged: Acknowledged by J. Sample RN" in await seen(failed)


async def test_an_administrator_is_offered_no_act_on_a_patient(desk: OpenDesk, served: Served, seeded: Seeded) -> None:
    with seeded.tx() as tx:
        join(tx, seeded.ward.administrator, seeded.ward.team)
    page = await desk("r.root")
    assert await page.locator("#open .row").count() > 5
    assert await page.get_by_role("button", name="Acknowledge").count() == 0
    assert await page.get_by_role("button", name="Outcome").count() == 0
    await page.locator("#open .row [data-menu]").first.click()
    assert await page.locator("[data-shelve]").is_hidden()
    await page.goto(f"{served.url}/patients/{seeded.ward.patients['EXAMPLETON']}")
    for name in ("Acknowledge", "Snooze", "Outcome", "Save limits", "Save outcome", "End the snooze"):
        assert await page.get_by_role("button", name=name).count() == 0, name
    assert "administrators see it" in await text(page.locator("#work"))
    assert await page.locator(".limits input:not([readonly])").count() == 0
