"""The worklist in a browser: alarms appear, are acknowledged, get an outcome and clear, without a reload."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

from alerts.fold.fold import fold_conditions
from devices.vitals import Vital
from streams.engine.condition import Priority
from tests.alerts.desk.conftest import Seeded, Served
from tests.alerts.desk.seed import condition
from tests.latest import set_latest

SHOWN_AT = """([where, text]) => new Promise(resolve => {
    const look = () => { if (document.querySelector(where).firstChild.data === text) resolve(Date.now()); };
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true });
})"""


def happens(seeded: Seeded, family: str, rule: str, phase: str = "onset", **about: object) -> None:
    """A condition of the engine, folded as the worker folds it."""
    said = {"priority": Priority.HIGH, "value": 140, "limit": 130, "vital": Vital.HEART_RATE} | about
    with seeded.tx() as tx:
        fold_conditions(tx, [condition(seeded.ward, family, rule, datetime.now(UTC), phase=phase, **said)])


def row(page, seeded: Seeded, family: str):
    return page.locator(f"#row-p{seeded.ward.patients[family]}")


async def test_an_alarm_appears_without_a_reload_and_nothing_moves_until_asked(desk, seeded: Seeded) -> None:
    page = await desk()
    karin = row(page, seeded, "LOREMSSON")
    first = page.locator("#open .row").first
    before = await first.get_attribute("id")
    happens(seeded, "LOREMSSON", "heart_rate.high")
    await page.locator("[data-update].is-new").wait_for(timeout=5000)
    assert await page.locator("[data-update-count]").text_content() == "1 new"
    assert "LOREMSSON" in (await page.locator("#say-alert").text_content())
    await karin.locator(".what", has_text="HR 140").wait_for()  # its row says so where it stands
    assert await karin.evaluate("e => e.closest('tbody').id") == "quiet"
    assert await page.locator("#open .row").first.get_attribute("id") == before
    await page.locator("[data-update]").click()
    await page.locator(f"#open #row-p{seeded.ward.patients['LOREMSSON']}").wait_for()
    assert await page.locator("[data-update].is-new").count() == 0


async def test_acknowledge_then_outcome_then_it_clears(desk, seeded: Seeded) -> None:
    page = await desk()
    bruno = row(page, seeded, "TESTWELL")
    place = await bruno.bounding_box()
    await bruno.get_by_role("button", name="Acknowledge").click()
    await bruno.locator(".own", has_text="M. Testova RN (you)").wait_for()
    assert "is-held" in (await bruno.get_attribute("class"))
    assert (await bruno.bounding_box())["y"] == place["y"]
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
            "SELECT life, outcome, outcome_reason, note FROM alarm WHERE subject = %s", [seeded.ward.patients["TESTWELL"]]
        ).fetchone()
    assert found == ("closed", "false_alarm", "Sensor loose", "moved to the other hand")


async def test_of_two_nurses_the_second_sees_who_was_first(desk, seeded: Seeded) -> None:
    first, second = await desk("j.sample"), await desk("m.testova")
    # the second desk hears nothing of it for a moment: its press carries what it saw
    await second.evaluate("window.stop()")
    await second.route("**/rows?*", lambda route: route.abort())
    await row(first, seeded, "PLACEHOLDER").get_by_role("button", name="Acknowledge").click()
    await row(first, seeded, "PLACEHOLDER").locator(".own", has_text="J. Sample RN (you)").wait_for()
    await row(second, seeded, "PLACEHOLDER").get_by_role("button", name="Acknowledge").click()
    notice = second.locator("#notices .notice")
    await notice.wait_for()
    said = await notice.text_content()
    assert "Acknowledged by J. Sample RN" in said
    assert "your press changed nothing" in said
    with seeded.tx() as tx:
        owner = tx.execute(
            "SELECT owner FROM alarm WHERE subject = %s AND closed IS NULL", [seeded.ward.patients["PLACEHOLDER"]]
        ).fetchone()
    assert owner == (seeded.ward.colleague,)


async def test_the_keyboard_does_it_all(desk, seeded: Seeded) -> None:
    page = await desk()
    await page.locator("#open .who").first.focus()
    await page.keyboard.press("j")
    await page.keyboard.press("j")
    await page.keyboard.press("k")
    current = page.locator(".row[aria-current]")
    assert await current.get_attribute("id") == f"row-p{seeded.ward.patients['EXAMPLETON']}"
    await page.keyboard.press("p")
    dialog = page.locator("#dialog[open]")
    await dialog.get_by_label("Reason").select_option("Care at the bedside")
    assert ":" in (await dialog.locator("[data-until]").text_content())
    await page.keyboard.press("Escape")
    await page.locator(".row[aria-current] :focus").wait_for()
    await page.keyboard.press("a")
    await current.locator(".more", has_text="in hand").wait_for()  # her other alarms still wait
    await page.keyboard.press("u")
    await page.locator("#say", has_text="List updated.").wait_for(state="attached")
    await page.keyboard.press("m")
    assert await page.locator("[data-sound]").get_attribute("aria-pressed") == "true"
    await page.keyboard.press("/")
    await page.keyboard.type("mockf")
    assert await page.locator(".row:visible").count() == 1
    await page.keyboard.press("Enter")
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"**/patients/{seeded.ward.patients['MOCKFORD']}")


async def test_a_snooze_has_a_reason_and_an_end(desk, seeded: Seeded) -> None:
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


async def test_one_silent_gateway_is_one_line(desk, seeded: Seeded) -> None:
    page = await desk()
    gateway = seeded.ward.gateways[1]
    families = ("FIXTUREAU", "LOREMSSON", "SYNTHEROV")
    technical = {"priority": Priority.MEDIUM, "value": None, "limit": None, "vital": None, "gateway": gateway}
    for family in families:
        happens(seeded, family, "gateway_offline", **technical)
    await page.locator("[data-update].is-new").wait_for()
    await page.wait_for_timeout(700)
    await page.locator("[data-update]").click()
    line = page.locator(f"#row-g{gateway}")
    await line.wait_for()
    assert "3 patients" in await line.locator(".who").text_content()
    assert await row(page, seeded, "LOREMSSON").evaluate("e => e.closest('tbody').id") == "quiet"
    await line.get_by_role("button", name="Acknowledge").click()
    await line.locator(".own", has_text="(you)").wait_for()
    with seeded.tx() as tx:
        lives = tx.execute("SELECT DISTINCT life FROM alarm WHERE rule = 'gateway_offline'").fetchall()
    assert lives == [("acknowledged",)]


async def test_when_data_stand_still_the_desk_says_so(desk, seeded: Seeded, living: None) -> None:
    page = await desk()
    assert await page.locator("#lost").is_hidden()
    with seeded.tx() as tx:  # the beat updates the ledger's rows; without any there is no data
        tx.execute("DELETE FROM ledger")
    await page.locator("#lost:visible", has_text="DISCONNECTED").wait_for(timeout=4000)
    assert await page.locator("#live.stale", has_text="Stale").count() == 1


async def test_when_the_server_is_gone_the_desk_says_so(desk, served: Served) -> None:
    page = await desk()
    await page.wait_for_selector("[data-age]:has-text('s')")
    await page.context.set_offline(True)
    served.__exit__()
    await page.locator("#lost:visible", has_text="DISCONNECTED").wait_for(timeout=8000)
    assert "No connection" in await page.locator("#lost").text_content()


async def test_a_new_number_is_on_the_desk_within_a_second_of_its_commit(desk, seeded: Seeded) -> None:
    page = await desk()
    karin = seeded.ward.patients["LOREMSSON"]
    await row(page, seeded, "LOREMSSON").locator(".age", has_text=" s").first.wait_for()
    waits = []
    for value in ("101", "102", "103", "104", "105"):
        shown = asyncio.create_task(page.evaluate(SHOWN_AT, [f"#row-p{karin} [data-cell=hr] [data-num]", value]))
        await asyncio.sleep(0.2)
        with seeded.tx() as tx:
            set_latest(tx, f"patient = {karin} AND vital = 1", value=value)
        committed = time.time()
        waits.append(await shown / 1000 - committed)
    assert sorted(waits)[2] < 1.0, waits
    assert max(waits) < 2.0, waits


async def test_an_old_number_greys_where_it_stands(desk, seeded: Seeded) -> None:
    page = await desk()
    frank = row(page, seeded, "DUMMYKIN").locator("[data-cell=hr]")
    await frank.locator(".num.old").wait_for()
    assert "old" in await frank.locator(".age").text_content()
    hugo = row(page, seeded, "SPECIMENSEN").locator("[data-cell=spo2]")
    assert await hugo.locator(".poor").text_content() == "off"
    assert await hugo.locator(".num.old").count() == 1


async def test_counts_filter_and_the_theme_is_remembered(desk, seeded: Seeded) -> None:
    page = await desk()
    assert await page.locator("[data-count=high] b").text_content() == "3"
    await page.locator("[data-count=high]").click()
    assert await page.locator(".row:visible").count() == 3
    await page.locator("[data-theme-toggle]").click()
    await page.reload()
    assert await page.evaluate("document.documentElement.dataset.theme") == "dark"


async def test_with_reduced_motion_nothing_moves(desk) -> None:
    page = await desk(motion="reduce")
    running = "getComputedStyle(document.querySelector('.row.is-high .c-prio'), '::before').animationName"
    assert await page.evaluate(running) == "none"
