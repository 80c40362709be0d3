"""Screenshots in both themes and widths, for people to look at, into out/ (and what must be true of every one of them)."""

from __future__ import annotations

import pytest

from tests.alerts.desk.conftest import OUT, OpenDesk, Seeded, Served


@pytest.mark.parametrize(
    ("width", "theme"),
    [
        (1440, "light"),
        (390, "dark"),
        pytest.param(1440, "dark", marks=pytest.mark.full),
        pytest.param(390, "light", marks=pytest.mark.full),
    ],
)
async def test_screens(desk: OpenDesk, served: Served, seeded: Seeded, theme: str, width: int) -> None:
    OUT.mkdir(exist_ok=True)
    page = await desk(width=width, height=900 if width > 400 else 844, theme=theme)
    await page.wait_for_selector("[data-age]:has-text('s')")
    await page.wait_for_timeout(1200)
    await page.screenshot(path=OUT / f"worklist-{width}-{theme}.png")
    await page.goto(f"{served.url}/patients/{seeded.ward.patients['EXAMPLETON']}")
    await page.wait_for_selector("#charts[data-drawn]")
    await page.wait_for_timeout(1200)
    await page.screenshot(path=OUT / f"patient-{width}-{theme}.png")
    await page.screenshot(path=OUT / f"patient-{width}-{theme}-full.png", full_page=True)
    wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0
