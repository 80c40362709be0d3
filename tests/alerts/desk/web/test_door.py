from __future__ import annotations

import httpx
import psycopg

from alerts.desk.settings import DeskSettings
from tests.alerts.desk.conftest import Seeded, Served
from tests.alerts.desk.hands import door_token, sign_in
from tests.alerts.desk.seed import PASSWORD


def test_the_cookie_is_opaque_and_the_database_keeps_only_its_hash(served: Served, seeded: Seeded) -> None:
    with httpx.Client(base_url=served.url) as client:
        answer = client.post("/sign-in", data={"door": door_token(client), "username": "M.Testova ", "password": PASSWORD})
        cookie = next(c for c in answer.headers.get_list("set-cookie") if c.startswith("vigil="))
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        token = client.cookies["vigil"]
        assert len(token) >= 43
    with seeded.tx() as tx:
        stored = tx.execute("SELECT encode(hash, 'escape') FROM session").fetchall()
        assert len(stored) == 1
        assert token not in stored[0][0]
        assert tx.execute("SELECT person FROM audit WHERE action = 'sign_in'").fetchone() == (seeded.ward.nurse,)


def test_over_https_the_cookie_has_the_host_prefix_and_is_secure() -> None:
    settings = DeskSettings(database="x", master_key_file="x", public_url="https://desk.example")
    assert settings.secure
    assert settings.cookie == "__Host-vigil"


def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(served: Served, seeded: Seeded) -> None:
    with httpx.Client(base_url=served.url) as client:
        said = set()
        for name in ("m.testova", "nobody"):
            data = {"door": door_token(client), "username": name, "password": "wrong-password"}
            answer = client.post("/sign-in", data=data)
            assert answer.status_code == 401
            said.add(answer.text.split("summary-box")[1].split("</div>")[0])
        assert len(said) == 1
    with seeded.tx() as tx:
        assert tx.execute("SELECT count(*) FROM audit WHERE action = 'sign_in.refused'").fetchone() == (2,)


def test_brute_force_ends_in_429_and_other_accounts_still_get_in(settings: DeskSettings) -> None:
    with Served(settings.model_copy(update={"sign_in_tries": 3})) as served, httpx.Client(base_url=served.url) as client:
        data = {"door": door_token(client), "username": "j.sample", "password": "guess-guess"}
        codes = [client.post("/sign-in", data=data).status_code for _ in range(5)]
        assert codes == [401, 401, 401, 429, 429]
        limited = client.post("/sign-in", data={**data, "password": PASSWORD})
        assert limited.status_code == 429
        assert 1 <= int(limited.headers["retry-after"]) <= 60
        with sign_in(served.url, "m.testova") as other:
            assert other.get("/list").status_code == 200


def test_signing_out_ends_the_session_at_once(served: Served) -> None:
    with sign_in(served.url, "m.testova") as client:
        assert client.get("/list").status_code == 200
        token = client.cookies["vigil"]
        assert client.post("/sign-out").status_code == 303
    with httpx.Client(base_url=served.url, cookies={"vigil": token}) as again:
        assert again.get("/list").status_code == 401


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
