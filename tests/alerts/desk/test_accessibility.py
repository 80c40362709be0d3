"""axe-core finds nothing on any page in either theme; the phone's cards fit."""

from __future__ import annotations

from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]
from playwright.async_api import Page

from tests.alerts.desk.conftest import OpenDesk, Seeded, Served
from tests.alerts.desk.hands import box

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


_NOTHING_MOVES = """() => document.getAnimations().every(
  (one) => one.playState !== "running" || one.effect.getComputedTiming().iterations === Infinity)"""


async def clean(page: Page) -> None:
    """In both themes; the light one stays."""
    for theme in ("dark", "light"):
        await page.emulate_media(color_scheme=theme)
        await page.wait_for_timeout(300)
        await page.wait_for_function(_NOTHING_MOVES)
        found = await Axe().run(page, options=RULES)
        assert found.violations_count == 0, found.generate_report()


async def test_pages_are_clean(desk: OpenDesk, served: Served, seeded: Seeded) -> None:
    page = await desk()
    await page.wait_for_selector("[data-age]:has-text('s')")
    await clean(page)
    await page.locator("#open .row [data-menu]").nth(3).click()
    await page.locator("[data-shelve]").click()
    await page.locator("#dialog[open]").wait_for()
    await clean(page)
    await page.goto(f"{served.url}/patients/{seeded.ward.patients['EXAMPLETON']}")
    await page.wait_for_selector("#charts[data-drawn]")
    await clean(page)
    await page.context.clear_cookies()
    await page.goto(f"{served.url}/sign-in")
    await clean(page)


async def test_on_a_phone_rows_are_cards_and_nothing_is_cut_off(desk: OpenDesk, served: Served, seeded: Seeded) -> None:
    page = await desk(width=390, height=844)
    await clean(page)
    for path in ("/", f"/patients/{seeded.ward.patients['EXAMPLETON']}"):
        await page.goto(served.url + path)
        await page.wait_for_timeout(500)
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await page.goto(served.url + "/")
    button = page.locator("[data-act=ack]").first
    assert (await box(button))["height"] >= 44
    small = await page.evaluate(
        "[...document.querySelectorAll('a, button')].filter(e => e.offsetParent).filter(e => {"
        " const r = e.getBoundingClientRect(); return r.width && (r.width < 24 || r.height < 24); }).map(e => e.outerHTML)"
    )
    assert small == []
