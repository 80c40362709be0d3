"""On a phone: search, filters and theme as on the desk, low cards, and the next patient under the thumb."""

from __future__ import annotations

from tests.alerts.desk.conftest import OpenDesk, Seeded, Served
from tests.alerts.desk.hands import box
from tests.alerts.desk.storm import admit_many, alarms_of, read_again


async def test_thirty_patients_on_a_phone(desk: OpenDesk, served: Served, seeded: Seeded) -> None:
    patients = admit_many(seeded)
    alarms_of(seeded, patients)
    read_again(served, patients[0])
    page = await desk(width=390, height=844, theme="dark")
    await page.fill("#q", "stormson")
    await page.locator("[data-count=high]").click()
    await page.locator("[data-theme-toggle]").click()
    shown = "[...document.querySelectorAll('.row')].filter(r => r.offsetParent).map(r => r.getBoundingClientRect().height)"
    heights = await page.evaluate(shown)
    assert len(heights) == 30
    assert max(heights) <= 160
    length = await page.evaluate("document.documentElement.scrollHeight")
    assert length < 30 * 170 + 700
    buttons = page.locator(".row:visible [data-act=ack]")
    await buttons.nth(2).scroll_into_view_if_needed()
    thumb = await box(buttons.nth(2))
    following = await page.locator(".row:visible").nth(3).get_attribute("id")
    await page.mouse.click(thumb["x"] + 20, thumb["y"] + 20)
    await page.locator("#undo:visible").wait_for()
    await page.wait_for_timeout(700)
    at = f"document.elementFromPoint({thumb['x'] + 20}, {thumb['y'] + 20})?.closest('.row')?.id"
    assert await page.evaluate(at) == following
    print(f"phone: 30 cards of at most {max(heights):.0f} px, page of {length} px")
