"""The system's Chromium, driven by Playwright."""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, async_playwright

from deploy.stack.child import Child

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
)


def chromium_program() -> str | None:
    """The system's Chromium, by whatever name; None when there is none."""
    return next((found for name in _NAMES if (found := shutil.which(name))), None)


@pytest.fixture(scope="session")
def chromium(session_home: Path) -> Iterator[str]:
    """One Chromium for the session: the address of its DevTools on 127.0.0.1."""
    program = chromium_program()
    if not program:
        pytest.skip("could not run: no Chromium is installed (install the package chromium)")
    command = [program, *_OPTIONS, f"--user-data-dir={session_home / 'chromium'}", "about:blank"]
    child = Child("Chromium", command, session_home / "chromium.log")

    def address() -> str | None:
        found = re.search(r"DevTools listening on ws://(127\.0\.0\.1:\d+)/", child.tail(20_000))
        return f"http://{found[1]}" if found else None

    child.wait_until(lambda: address() is not None, 30)
    yield str(address())
    child.stop(timeout=5)


@pytest.fixture
async def browser(chromium: str) -> AsyncIterator[Browser]:
    """A Playwright browser (async API) for one test; its contexts end with it."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.connect_over_cdp(chromium)
        yield browser
        for context in browser.contexts[1:]:
            await context.close()
        await browser.close()


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A page of 1440 × 900 pixels in a context of its own; an error in the page's scripts fails the test."""
    context = await browser.new_context(viewport={"width": 1440, "height": 900})
    page = await context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    await context.close()
    assert not errors, errors
