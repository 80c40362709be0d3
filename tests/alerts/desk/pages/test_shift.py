"""A shift is handed over by two nurses, each at a desk of their own."""

from __future__ import annotations

from tests.alerts.desk.conftest import OUT, OpenDesk, Seeded
from tests.alerts.desk.hands import text
from tests.alerts.desk.test_accessibility import clean


async def test_a_shift_changes_hands_once_both_have_confirmed(desk: OpenDesk, seeded: Seeded) -> None:
    OUT.mkdir(exist_ok=True)
    giver, taker = await desk("m.testova"), await desk("j.sample")
    await giver.keyboard.press("h")
    await giver.locator("h1", has_text="Hand-over").wait_for()
    assert "FICTIVA, Ines" in await text(giver.locator("#main"))
    await giver.get_by_label("Who takes over").select_option(label="J. Sample RN, nurse")
    await giver.get_by_label("What is no single patient’s").fill("the oximeter of room 3 is charged")
    await giver.get_by_role("button", name="Offer these patients").click()
    await giver.locator("[role=status]", has_text="stays yours until it is confirmed").wait_for()
    await taker.locator("#offer:visible", has_text="M. Testova RN hands a shift over to you").wait_for(timeout=15_000)
    await taker.get_by_role("link", name="Look and confirm").click()
    await taker.get_by_role("button", name="I take 1 patient").wait_for()
    assert "room 3 is charged" in await text(taker.locator("#main"))
    await clean(taker)
    await taker.screenshot(path=OUT / "shift-1440-light.png", full_page=True)
    await taker.set_viewport_size({"width": 390, "height": 844})
    await taker.emulate_media(color_scheme="dark")
    assert await taker.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await taker.screenshot(path=OUT / "shift-390-dark.png", full_page=True)
    await taker.get_by_role("button", name="I take 1 patient").click()
    await taker.locator("[role=status]", has_text="These patients are yours now").wait_for()
    with seeded.tx() as tx:
        owner = tx.execute(
            "SELECT owner FROM alarm WHERE subject = %s AND closed IS NULL", [seeded.ward.patients["FICTIVA"]]
        ).fetchone()
    assert owner == (seeded.ward.colleague,)
