"""What a test does at a desk without a browser: sign in with httpx, and act with the page's token."""

from __future__ import annotations

import re

import httpx

from tests.alerts.desk.seed import PASSWORD


def door_token(client: httpx.Client) -> str:
    page = client.get("/sign-in").text
    found = re.search(r'name="door" value="([^"]+)"', page)
    assert found
    return found[1]


def sign_in(url: str, who: str, password: str = PASSWORD) -> httpx.Client:
    """A client with a session; its own requests carry the form token."""
    client = httpx.Client(base_url=url, timeout=15)
    answer = client.post("/sign-in", data={"door": door_token(client), "username": who, "password": password})
    assert answer.status_code == 303, answer.text
    token = re.search(r'data-csrf="([0-9a-f]+)"', client.get("/").text)
    assert token
    client.headers["X-CSRF-Token"] = token[1]
    return client
