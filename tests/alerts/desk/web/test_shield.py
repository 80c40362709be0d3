from __future__ import annotations

import httpx

from tests.alerts.desk.conftest import Served
from tests.alerts.desk.hands import sign_in


def test_every_answer_carries_a_strict_policy_and_is_not_kept(served: Served) -> None:
    for path in ("/sign-in", "/healthz", "/nowhere", "/static/desk.js"):
        headers = httpx.get(served.url + path).headers
        assert "script-src 'self'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
    assert httpx.get(served.url + "/sign-in").headers["cache-control"] == "no-store"


def test_no_page_holds_inline_script_or_style(served: Served) -> None:
    with sign_in(served.url, "m.testova") as client:
        for path in ("/", "/sign-in"):
            page = client.get(path).text
            assert "<script>" not in page
            assert " style=" not in page
            assert "onclick" not in page


def test_a_body_over_the_limit_is_refused(served: Served) -> None:
    assert httpx.post(f"{served.url}/gateway/v1/claim", content=b"x" * 100_000).status_code == 413


def test_another_host_name_is_refused(served: Served) -> None:
    assert httpx.get(f"{served.url}/healthz", headers={"host": "evil.example"}).status_code == 400
