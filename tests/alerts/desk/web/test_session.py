"""Sessions: their end, their cookie and the token of their forms."""

from __future__ import annotations

import json
import time

import httpx
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


def test_a_stream_that_a_browser_opens_again_is_no_use_of_the_session(served: Served, seeded: Seeded) -> None:
    with sign_in(served.url, "m.testova") as client, psycopg.connect(seeded.url, autocommit=True) as db:
        db.execute("UPDATE session SET seen = now() - interval '10 minutes'")
        with client.stream("GET", "/stream", headers={"accept": "text/event-stream"}) as stream:
            assert stream.status_code == 200
            next(stream.iter_lines())
        idle = "SELECT now() - seen > interval '9 minutes' FROM session"
        assert db.execute(idle).fetchone() == (True,)
        client.get("/", headers={"accept": "text/html"})
        assert db.execute(idle).fetchone() == (False,)


def test_a_screen_is_told_two_minutes_before_its_session_ends(served: Served, seeded: Seeded) -> None:
    def warning(client: httpx.Client) -> dict[str, object]:
        with client.stream("GET", "/stream", headers={"accept": "text/event-stream"}) as stream:
            lines = iter(stream.iter_lines())
            while next(lines) != "event: session":
                pass
            found: dict[str, object] = json.loads(next(lines).removeprefix("data: "))
            return found

    with sign_in(served.url, "m.testova") as client, psycopg.connect(seeded.url, autocommit=True) as db:
        db.execute("UPDATE session SET seen = now() - interval '13 minutes 30 seconds'")
        idle = warning(client)
        assert idle["idle"] is True
        assert 75 < (int(str(idle["at"])) / 1000 - time.time()) < 95
        db.execute("UPDATE session SET seen = now(), created = now() - interval '11 hours 59 minutes'")
        assert warning(client)["idle"] is False
