"""The hands of a test: it signs in with httpx and acts with the page's token, or reads elements of a browser's page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from playwright.async_api import FloatRect, Locator

from tests.alerts.desk.seed import PASSWORD


async def text(found: Locator) -> str:
    """The text of an element, which is there."""
    return await found.text_content() or ""


async def box(found: Locator) -> FloatRect:
    """The place of an element, which is shown."""
    place = await found.bounding_box()
    assert place
    return place


def door_token(client: httpx.Client) -> str:
    page = client.get("/sign-in").text
    found = re.search(r'name="door" value="([^"]+)"', page)
    assert found
    return found[1]


@contextmanager
def sign_in(url: str, who: str, password: str = PASSWORD) -> Iterator[httpx.Client]:
    """A client with a session; its own requests carry the form token."""
    with httpx.Client(base_url=url, timeout=15) as client:
        _enter(client, who, password)
        yield client


def _enter(client: httpx.Client, who: str, password: str) -> None:
    answer = client.post("/sign-in", data={"door": door_token(client), "username": who, "password": password})
    assert answer.status_code == 303, answer.text
    token = re.search(r'data-csrf="([0-9a-f]+)"', client.get("/").text)
    assert token
    client.headers["X-CSRF-Token"] = token[1]
