"""The fixture itself: the system's Chromium shows a page."""

from __future__ import annotations

import pytest
from playwright.async_api import Page

pytestmark = pytest.mark.stack


async def test_a_page_is_shown_and_scripts_run(page: Page) -> None:
    await page.set_content("<h1>-</h1><script>document.querySelector('h1').textContent = 6 * 7</script>")
    assert await page.inner_text("h1") == "42"
    assert page.viewport_size == {"width": 1440, "height": 900}
    assert (await page.screenshot()).startswith(b"\x89PNG")
