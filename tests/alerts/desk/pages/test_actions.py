"""Acts on alarms in a browser: acknowledge, outcome, snooze, and a conflict of two people."""

from __future__ import annotations

from devices.vitals import Vital
from streams.engine.condition import Priority
from tests.alerts.desk.conftest import OpenDesk, Seeded
from tests.alerts.desk.hands import box, text
from tests.alerts.desk.pages.test_worklist import happens, row


async def test_acknowledge_then_outcome_then_it_clears(desk: OpenDesk, seeded: Seeded) -> None:
    page = await desk()
    bruno = row(page, seeded, "TESTWELL")
    place = await box(bruno)
    await bruno.get_by_role("button", name="Acknowledge").click()
    await bruno.locator(".own", has_text="M. Testova RN (you)").wait_for()
    assert "is-held" in (await bruno.get_attribute("class") or "")
    assert (await box(bruno))["y"] == place["y"]
    assert await bruno.evaluate("e => e.closest('tbody').id") == "open"
    assert await bruno.locator(":focus").count() == 1
    await bruno.get_by_role("button", name="Outcome").click()
    dialog = page.locator("#dialog")
    await dialog.get_by_label("False alarm").check()
    await dialog.get_by_role("button", name="Save outcome").click()
    assert await dialog.is_visible()  # a false alarm needs a reason
    await dialog.get_by_label("Why false").select_option("Sensor loose")
    await dialog.get_by_label("Note").fill("moved to the other hand")
    await dialog.get_by_role("button", name="Save outcome").click()
    await bruno.locator(".own + .timer", has_text="False alarm").wait_for()
    await dialog.wait_for(state="hidden")
    happens(seeded, "TESTWELL", "spo2.low", "end", vital=Vital.SPO2, value=96, limit=92)
    await bruno.locator(".c-what", has_text="No alarm").wait_for()
    with seeded.tx() as tx:
        found = tx.execute(
            "SELECT active, life, outcome, outcome_reason, note FROM alarm WHERE subject = %s",
            [seeded.ward.patients["TESTWELL"]],
        ).fetchone()
    # it closes unless it begins again within five minutes: then it is the same alarm, which somebody has
    assert found == (False, "acknowledged", "false_alarm", "Sensor loose", "moved to the other hand")


async def test_one_press_takes_a_patient_one_outcome_closes_the_work_and_what_joins_is_new(
    desk: OpenDesk, seeded: Seeded
) -> None:
    page = await desk()
    ada = row(page, seeded, "EXAMPLETON")
    await ada.locator(".c-do", has_text="all 3 alarms").wait_for()
    await ada.get_by_role("button", name="Acknowledge").click()
    await ada.locator(".own", has_text="M. Testova RN (you)").wait_for()
    happens(
        seeded, "EXAMPLETON", "temperature.high", vital=Vital.TEMPERATURE, priority=Priority.MEDIUM, value=39.2, limit=39
    )
    await ada.locator(".c-own", has_text="1 new since then").wait_for()
    assert "is-held" in (await ada.get_attribute("class") or "")
    assert "calls again" not in await text(ada.locator(".c-own"))
    await ada.get_by_role("button", name="Acknowledge").click()
    await ada.get_by_role("button", name="Outcome").click()
    dialog = page.locator("#dialog")
    await dialog.locator(".tag", has_text="and 3 more").wait_for()
    await dialog.get_by_label("Visit").check()
    await dialog.get_by_role("button", name="Save outcome").click()
    await ada.locator(".own + .timer", has_text="Visit").wait_for()
    with seeded.tx() as tx:
        rows = tx.execute(
            "SELECT count(*), count(DISTINCT owner), min(outcome) FROM alarm WHERE subject = %s AND closed IS NULL",
            [seeded.ward.patients["EXAMPLETON"]],
        ).fetchall()
    assert rows == [(4, 1, "visit")]


async def test_of_two_nurses_the_second_sees_who_was_first(desk: OpenDesk, seeded: Seeded) -> None:
    first, second = await desk("j.sample"), await desk("m.testova")
    # the second desk hears nothing of it for a moment: its press carries what it saw
    await second.evaluate("window.stop()")
    await second.route("**/rows?*", lambda route: route.abort())
    await row(first, seeded, "PLACEHOLDER").get_by_role("button", name="Acknowledge").click()
    await row(first, seeded, "PLACEHOLDER").locator(".own", has_text="J. Sample RN (you)").wait_for()
    await row(second, seeded, "PLACEHOLDER").get_by_role("button", name="Acknowledge").click()
    notice = second.locator("#notices .notice")
    await notice.wait_for()
    shown = await text(notice)
    assert "Acknowledged by J. Sample RN" in shown
    assert "nothing was changed" in shown
    with seeded.tx() as tx:
        owner = tx.execute(
            "SELECT owner FROM alarm WHERE subject = %s AND closed IS NULL", [seeded.ward.patients["PLACEHOLDER"]]
        ).fetchone()
    assert owner == (seeded.ward.colleague,)


async def test_a_snooze_has_a_reason_and_an_end(desk: OpenDesk, seeded: Seeded) -> None:
    page = await desk()
    edith = row(page, seeded, "PLACEHOLDER")
    await edith.locator("[data-menu]").click()
    await page.locator("[data-shelve]").click()
    dialog = page.locator("#dialog")
    await dialog.get_by_role("button", name="Snooze until").click()
    assert await dialog.is_visible()
    await dialog.get_by_label("Reason").select_option("Treatment given, waiting for effect")
    await dialog.get_by_role("button", name="Snooze until").click()
    await edith.locator(".state", has_text="Snoozed").wait_for()
    await edith.locator(".own", has_text="M. Testova RN (you)").wait_for()
