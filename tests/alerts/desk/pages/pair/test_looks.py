"""Every screen of the patient's page on a telephone: axe finds nothing in either theme, and nothing is cut off.

The pictures go to out/, for people to look at.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]
from playwright.async_api import Browser, Page

from tests.alerts.desk.conftest import OUT, Seeded, Served
from tests.alerts.desk.pages.pair.hands import BELT, CLIP, arrive, leaflet, nearby, phone, report, withdraw_before
from tests.alerts.desk.test_accessibility import RULES

_SOME = {"whose", "consent", "kind", "wear-belt", "cards", "nothing", "receipt", "mine"}
_SMALL = """() => [...document.querySelectorAll("a, button, summary")].filter(e => e.offsetParent)
  .map(e => [e.textContent.trim(), e.getBoundingClientRect()])
  .filter(([_, r]) => r.width && r.height < 32).map(([t]) => t)"""


async def looked_at(page: Page, name: str, wrong: list[str], *themes: str) -> None:
    for theme in themes:
        await page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        found = await Axe().run(page, options=RULES)
        if found.violations_count:
            wrong.append(f"{name}, {theme}: {found.generate_report()}")
        await page.screenshot(path=OUT / f"pair-{name}-390-{theme}.png", full_page=True)
    if not await page.evaluate("document.documentElement.scrollWidth <= innerWidth"):
        wrong.append(f"{name} is wider than the telephone")
    if small := await page.evaluate(_SMALL):
        wrong.append(f"{name}: small targets {small}")


@pytest.mark.parametrize("both", [pytest.param(True, marks=pytest.mark.full), False], ids=["all in both", "some in turn"])
async def test_every_screen_on_a_telephone(browser: Browser, served: Served, seeded: Seeded, both: bool) -> None:
    """All of them in both themes; or those that differ most, in one theme and the other in turn."""
    themes = ["light", "dark"]
    OUT.mkdir(exist_ok=True)
    made, wrong, errors = leaflet(seeded, kind=None), list[str](), list[str]()
    withdraw_before(seeded)
    context = await browser.new_context(viewport={"width": 390, "height": 844}, reduced_motion="reduce")
    page = await context.new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda m: errors.append(m.text) if m.type in {"error", "warning"} else None)

    def sql(query: str) -> None:
        with seeded.tx() as tx:
            tx.execute(query.encode())

    async def step(name: str, work: Callable[[], object] = lambda: None) -> None:
        work()
        if both or name in _SOME:
            await page.goto(f"{served.url}/pair/{made.code}")
            await look(name)

    async def look(name: str) -> None:
        themes.reverse()
        await looked_at(page, name, wrong, *(themes if both else themes[:1]))

    await page.goto(f"{served.url}/pair")
    await look("code")
    with phone(served, made.code) as held:
        await step("whose")
        await step("other", lambda: held.press("other"))
        await step("called", lambda: held.press("call"))
        await step("consent", lambda: (held.press("back"), held.press("help")))
        await step("declined", lambda: held.press("decline"))
        await step("kind", lambda: (held.press("again"), held.press("agree")))
        for kind in (*(("oximeter", "thermometer", "scale", "meter", "glucose_sensor", "cuff") if both else ()), "belt"):
            await step(f"wear-{kind}", lambda kind=kind: held.press(kind))  # type: ignore[misc]
            if kind != "belt":
                held.press("back")
        await step("looking", lambda: held.press("on"))
        sql(f"INSERT INTO device (name, source, address) VALUES ('x', 'ble', '{CLIP}')")
        sql(
            "INSERT INTO enrolment (device, patient, gateway, since) SELECT device, 2, 1, now() FROM device "
            f"WHERE address = '{CLIP}'"
        )
        report(served, seeded, nearby(name="Polar H10 2A4F", can_buzz=True), nearby(CLIP, "HRM-Dual"))
        await step("cards")
        sql("UPDATE gateway_scan SET asked = now() - interval '70 seconds', reported = now(); DELETE FROM nearby")
        await step("nothing")
        sql("UPDATE gateway_scan SET reported = NULL")
        await step("silent")
        await step("waiting", lambda: (held.press("look"), report(served, seeded, nearby()), held.press("choose", BELT)))
        sql("UPDATE pairing SET chosen = chosen - interval '91 seconds'")
        await step("late")
        with seeded.tx() as tx:
            (device,) = tx.execute("SELECT device FROM pairing").fetchone() or (0,)
        await step("receipt", lambda: arrive(seeded, device))
        await step("mine", lambda: held.press("mine"))
        await step("withdrawn", lambda: held.press("withdraw"))
    await page.goto(f"{served.url}/pair/ABCD-EFGH-JKMN")
    await look("wrong")
    await context.close()
    assert not wrong, "\n".join(wrong)
    assert [one for one in errors if "404" not in one] == []


async def test_the_page_shows_what_changed_by_itself_and_keeps_the_focus(
    browser: Browser, served: Served, seeded: Seeded
) -> None:
    made = leaflet(seeded)
    context = await browser.new_context(viewport={"width": 390, "height": 844})
    page: Page = await context.new_page()
    with phone(served, made.code) as held:
        for answer in ("me", "agree", "on"):
            held.press(answer)
        await page.goto(f"{served.url}/pair/{made.code}")
        await page.evaluate("window.same = true")
        await page.locator("summary").focus()
        report(served, seeded, nearby())
        await page.get_by_role("button", name="This is mine").wait_for()
        assert await page.evaluate("window.same && document.activeElement !== document.body")
    await context.close()
