"""The worklist in a browser: alarms appear, are acknowledged, get an outcome and clear, without a reload."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Any

from playwright.async_api import Locator, Page

from alerts.fold.fold import fold_conditions
from devices.vitals import Vital
from streams.engine.condition import Phase, Priority
from tests.alerts.desk.conftest import OpenDesk, Seeded, Served
from tests.alerts.desk.hands import text
from tests.alerts.desk.seed import condition
from tests.latest import set_latest

SHOWN_AT = """([where, text]) => new Promise(resolve => {
    const look = () => { if (document.querySelector(where).firstChild.data === text) resolve(Date.now()); };
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true });
})"""


def happens(seeded: Seeded, family: str, rule: str, phase: Phase = "onset", **about: Any) -> None:
    """A condition of the engine, folded as the worker folds it."""
    values: dict[str, Any] = {"priority": Priority.HIGH, "value": 140, "limit": 130, "vital": Vital.HEART_RATE} | about
    with seeded.tx() as tx:
        fold_conditions(tx, [condition(seeded.ward, family, rule, datetime.now(UTC), phase=phase, **values)])


def row(page: Page, seeded: Seeded, family: str) -> Locator:
    return page.locator(f"#row-p{seeded.ward.patients[family]}")


async def test_an_alarm_appears_without_a_reload_and_nothing_moves_until_asked(desk: OpenDesk, seeded: Seeded) -> None:
    page = await desk()
    karin = row(page, seeded, "LOREMSSON")
    first = page.locator("#open .row").first
    before = await first.get_attribute("id")
    happens(seeded, "LOREMSSON", "heart_rate.high")
    await page.locator("[data-update].is-new").wait_for(timeout=5000)
    assert await text(page.locator("[data-update-count]")) == "1 new"
    assert "LOREMSSON" in (await text(page.locator("#say-alert")))
    await karin.locator(".what", has_text="HR 140").wait_for()  # its row says so where it stands
    assert await karin.evaluate("e => e.closest('tbody').id") == "quiet"
    assert await page.locator("#open .row").first.get_attribute("id") == before
    await page.locator("[data-update]").click()
    await page.locator(f"#open #row-p{seeded.ward.patients['LOREMSSON']}").wait_for()
    assert await page.locator("[data-update].is-new").count() == 0


async def test_the_keyboard_does_it_all(desk: OpenDesk, seeded: Seeded) -> None:
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
    assert ":" in (await text(dialog.locator("[data-until]")))
    await page.keyboard.press("Escape")
    await page.locator(".row[aria-current] :focus").wait_for()
    await page.keyboard.press("a")
    await current.locator(".more", has_text="in hand").first.wait_for()  # one press took them all
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


async def test_one_silent_gateway_is_one_line(desk: OpenDesk, seeded: Seeded) -> None:
    page = await desk()
    gateway = seeded.ward.gateways[1]
    families = ("FIXTUREAU", "LOREMSSON", "SYNTHEROV")
    technical: dict[str, Any] = {
        "priority": Priority.MEDIUM,
        "value": None,
        "limit": None,
        "vital": None,
        "gateway": gateway,
    }
    for family in families:
        happens(seeded, family, "gateway_offline", **technical)
    await page.locator("[data-update].is-new").wait_for()
    await page.wait_for_timeout(700)
    await page.locator("[data-update]").click()
    line = page.locator(f"#row-g{gateway}")
    await line.wait_for()
    assert "3 patients" in await text(line.locator(".who"))
    assert await row(page, seeded, "LOREMSSON").evaluate("e => e.closest('tbody').id") == "quiet"
    await line.get_by_role("button", name="Acknowledge").click()
    await line.locator(".own", has_text="(you)").wait_for()
    with seeded.tx() as tx:
        lives = tx.execute("SELECT DISTINCT life FROM alarm WHERE rule = 'gateway_offline'").fetchall()
    assert lives == [("acknowledged",)]


async def test_when_data_stand_still_the_desk_says_so(desk: OpenDesk, seeded: Seeded, living: None) -> None:
    page = await desk()
    assert await page.locator("#lost").is_hidden()
    with seeded.tx() as tx:  # the beat updates the ledger's rows; without any there is no data
        tx.execute("DELETE FROM ledger")
    await page.locator("#lost:visible", has_text="DISCONNECTED").wait_for(timeout=4000)
    assert await page.locator("#live.stale", has_text="Stale").count() == 1


async def test_when_the_server_is_gone_the_desk_says_so(desk: OpenDesk, served: Served) -> None:
    page = await desk()
    await page.wait_for_selector("[data-age]:has-text('s')")
    await page.context.set_offline(True)
    served.__exit__()
    await page.locator("#lost:visible", has_text="DISCONNECTED").wait_for(timeout=8000)
    assert "No connection" in await text(page.locator("#lost"))
    await page.locator("[data-update-text]", has_text="This list is of").wait_for()  # the last list stays, with its time
    assert await page.locator("#open .row").count() == 8


async def test_a_new_number_is_on_the_desk_within_a_second_of_its_commit(desk: OpenDesk, seeded: Seeded) -> None:
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


async def test_an_old_number_greys_where_it_stands(desk: OpenDesk, seeded: Seeded) -> None:
    page = await desk()
    frank = row(page, seeded, "DUMMYKIN").locator("[data-cell=hr]")
    await frank.locator(".num.old").wait_for()
    assert "old" in await text(frank.locator(".age"))
    hugo = row(page, seeded, "SPECIMENSEN").locator("[data-cell=spo2]")
    assert "old · newer: off" in await text(hugo.locator(".age"))  # the last good one, and why no newer one counts
    assert await hugo.locator(".num.old").count() == 1


async def test_counts_filter_and_the_theme_is_remembered(desk: OpenDesk, seeded: Seeded) -> None:
    page = await desk()
    assert await text(page.locator("[data-count=high] b")) == "3"
    await page.locator("[data-count=high]").click()
    assert await page.locator(".row:visible").count() == 3
    await page.locator("[data-theme-toggle]").click()
    await page.reload()
    assert await page.evaluate("document.documentElement.dataset.theme") == "dark"


async def test_with_reduced_motion_nothing_moves(desk: OpenDesk) -> None:
    page = await desk(motion="reduce")
    running = "getComputedStyle(document.querySelector('.row.is-high .c-prio'), '::before').animationName"
    assert await page.evaluate(running) == "none"
