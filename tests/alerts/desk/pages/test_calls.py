"""A desk in a browser is heard: new and worse alarms ring, an unowned high again, a screen that shows none says so."""

from __future__ import annotations

from typing import Any, cast

import pytest
from playwright.async_api import Page

from alerts.desk.pages import stream
from devices.vitals import Vital
from streams.engine.condition import Priority
from tests.alerts.desk.conftest import OpenDesk, Seeded, Served
from tests.alerts.desk.hands import text
from tests.alerts.desk.pages.test_worklist import happens, row

HIGH_HZ, SOON_HZ = 880, 587
LISTEN = """() => {
    window.tones = [];
    const start = OscillatorNode.prototype.start;
    OscillatorNode.prototype.start = function (...at) { tones.push(this.frequency.value); return start.apply(this, at); };
}"""


async def listened(page: Page) -> None:
    """Sound is on, and from now on every tone is written down."""
    await page.mouse.click(5, 5)
    await page.locator("[data-sound=on]", has_text="Sound on").wait_for()
    await page.wait_for_timeout(1500)  # what stood when the page was opened has rung
    await page.evaluate("document.body.dataset.againS = 9999")  # the rest of the ward is not this test's business
    await page.evaluate(LISTEN)


async def tones(page: Page, least: int, kind: float = HIGH_HZ) -> int:
    """Wait until so many tones were heard; return their number, and forget them."""
    await page.wait_for_function("([n, hz]) => tones.filter(t => t === hz).length >= n", arg=[least, kind], timeout=10_000)
    return cast("int", await page.evaluate("hz => tones.splice(0).filter(t => t === hz).length", kind))


async def test_every_new_or_worse_alarm_of_a_patient_rings_and_what_stands_heads_the_row(
    desk: OpenDesk, seeded: Seeded
) -> None:
    page = await desk()
    await listened(page)
    karin = row(page, seeded, "LOREMSSON")
    happens(seeded, "LOREMSSON", "heart_rate.high", value=138)
    assert await tones(page, 3) == 3
    await page.locator("#say-alert", has_text="HR 138").wait_for(state="attached")
    spo2: dict[str, Any] = {"vital": Vital.SPO2, "limit": 92}
    happens(seeded, "LOREMSSON", "spo2.low", value=93, priority=Priority.MEDIUM, **spo2)
    assert await tones(page, 1, 587) == 1
    happens(seeded, "LOREMSSON", "spo2.low", "worse", value=80, **spo2)  # a second high, and the first still stands
    assert await tones(page, 3) == 3
    await page.locator("#say-alert", has_text="SpO₂ 80").wait_for(state="attached")
    happens(seeded, "LOREMSSON", "heart_rate.high", "end", value=100)
    await karin.locator(".c-what .what", has_text="SpO₂ 80").wait_for()
    assert "also HR 138 > 130 /min, cleared" in await text(karin.locator(".c-what"))
    assert await page.evaluate("tones.length") == 0  # an end does not ring


async def test_an_unowned_high_rings_again_until_somebody_has_it(desk: OpenDesk, seeded: Seeded) -> None:
    page = await desk()
    assert await page.evaluate("document.body.dataset.againS") == "60"
    for family in ("STUBBSON", "EXAMPLETON", "TESTWELL"):
        with seeded.tx() as tx:
            tx.execute(
                "UPDATE alarm SET life = 'acknowledged', owner = %s, due = NULL WHERE subject = %s AND closed IS NULL",
                [seeded.ward.nurse, seeded.ward.patients[family]],
            )
    await listened(page)
    await page.evaluate("document.body.dataset.againS = 2")
    happens(seeded, "LOREMSSON", "heart_rate.high")
    assert await tones(page, 6) >= 6
    await page.locator("#say-alert", has_text="Still not acknowledged: HR 140").wait_for(state="attached")
    await row(page, seeded, "LOREMSSON").get_by_role("button", name="Acknowledge").click()
    await row(page, seeded, "LOREMSSON").locator(".own", has_text="(you)").wait_for()
    await page.wait_for_timeout(700)
    await page.evaluate("tones.length = 0")
    await page.wait_for_timeout(2600)
    assert await page.evaluate("tones.length") == 0


async def test_the_button_says_what_the_browser_allows_and_a_press_turns_sound_on(
    desk: OpenDesk, served: Served, seeded: Seeded
) -> None:
    page = await desk()
    quiet = await page.context.new_page()  # nobody has touched this one
    await quiet.goto(served.url)
    sound = quiet.locator("[data-sound]")
    await sound.wait_for()
    assert "Sound off" in await text(sound)
    await quiet.evaluate(LISTEN)
    happens(seeded, "LOREMSSON", "heart_rate.high")
    await quiet.locator("#say-alert", has_text="HR 140").wait_for(state="attached")
    assert await quiet.evaluate("tones.length") == 0
    await sound.click()
    await quiet.locator("[data-sound=on]", has_text="Sound on").wait_for()
    assert await tones(quiet, 3) >= 3  # and what it owes is heard at once
    await sound.click()
    await quiet.locator("[data-sound=paused]", has_text="Sound paused").wait_for()


async def test_the_page_of_one_patient_rings_for_all(desk: OpenDesk, served: Served, seeded: Seeded) -> None:
    page = await desk()
    await page.goto(f"{served.url}/patients/{seeded.ward.patients['LOREMSSON']}")
    await listened(page)
    happens(seeded, "LOREMSSON", "heart_rate.high")
    assert await tones(page, 3) == 3
    happens(seeded, "NOTREALLI", "spo2.low", vital=Vital.SPO2, value=78, limit=92)
    assert await tones(page, 3) == 3
    other = page.locator("#elsewhere:visible")
    await other.wait_for()
    assert "Another high alarm waits" in await text(other)


async def test_a_wall_display_that_must_sign_in_again_says_so_before_and_then_loudly(
    desk: OpenDesk, seeded: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "_CHECK_S", 0.3)
    page = await desk()
    await listened(page)
    with seeded.tx() as tx:
        tx.execute("UPDATE session SET seen = now() - interval '14 minutes'")
    soon = page.locator("#ending:visible")
    await soon.wait_for()
    assert "shows no alarms in" in await text(soon)
    assert "Press any key to stay signed in" in await text(soon)
    assert await tones(page, 1, SOON_HZ) == 1
    await page.keyboard.press("Shift")
    await page.locator("#ending").wait_for(state="hidden")
    with seeded.tx() as tx:
        tx.execute("UPDATE session SET seen = now() - interval '20 minutes'")
    await page.evaluate("import('/static/desk.js').then(desk => desk.quietly('/list')).catch(() => {})")
    dialog = page.locator("#ended[open]")
    await dialog.wait_for()
    assert "SIGNED OUT: this screen shows no alarms" in await text(dialog)
    assert await tones(page, 3) == 3
    assert await page.locator("#table").is_hidden()  # nothing of patients on a screen that nobody has signed in to
    await dialog.get_by_role("link", name="Sign in again").click()
    await page.wait_for_url("**/sign-in?why=ended")
