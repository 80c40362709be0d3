"""Sessions: their end, their cookie and the token of their forms."""

from __future__ import annotations

import psycopg

from alerts.desk.settings import DeskSettings
from tests.alerts.desk.conftest import Seeded, Served
from tests.alerts.desk.hands import sign_in


def test_over_https_the_cookie_has_the_host_prefix_and_is_secure() -> None:
    settings = DeskSettings(database="x", master_key_file="x", public_url="https://desk.example")
    assert settings.secure
    assert settings.cookie == "__Host-vigil"


def test_a_session_ends_after_idle_time_and_after_its_absolute_time(served: Served, seeded: Seeded) -> None:
    with sign_in(served.url, "m.testova") as client, psycopg.connect(seeded.url, autocommit=True) as db:
        db.execute("UPDATE session SET seen = now() - interval '14 minutes'")
        assert client.get("/list", headers={"Vigil-Background": "1"}).status_code == 200
        db.execute("UPDATE session SET seen = seen - interval '2 minutes'")  # what a page asks by itself did not count
        assert client.get("/list").status_code == 401
        db.execute("UPDATE session SET seen = now(), created = now() - interval '12 hours 1 minute'")
        assert client.get("/list").status_code == 401
        page = client.get("/", headers={"accept": "text/html"})
        assert (page.status_code, page.headers["location"]) == (303, "/sign-in?why=ended")


def test_a_form_without_the_sessions_token_is_refused(served: Served) -> None:
    with sign_in(served.url, "m.testova") as client:
        del client.headers["X-CSRF-Token"]
        assert client.post("/sign-out").status_code == 403
        assert client.post("/sign-out", data={"csrf": "0" * 64}).status_code == 403
        assert client.get("/list").status_code == 200
