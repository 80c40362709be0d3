"""What a test does at a desk without a browser: sign in with httpx, and act with the page's token."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from tests.alerts.desk.seed import PASSWORD


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
