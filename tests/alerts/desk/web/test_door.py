"""The door: who comes in, who is slowed down, and how a session ends."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from alerts.care.people import disable_person
from alerts.desk.settings import DeskSettings
from alerts.desk.web.session import MOST_SESSIONS
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


def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(served: Served, seeded: Seeded) -> None:
    with httpx.Client(base_url=served.url) as client:
        answers = set()
        for name in ("m.testova", "nobody"):
            data = {"door": door_token(client), "username": name, "password": "wrong-password"}
            answer = client.post("/sign-in", data=data)
            assert answer.status_code == 401
            answers.add(answer.text.split("summary-box")[1].split("</div>")[0])
        assert len(answers) == 1
    with seeded.tx() as tx:
        assert tx.execute("SELECT count(*) FROM audit WHERE action = 'sign_in.refused'").fetchone() == (2,)


def test_wrong_tries_slow_down_and_never_lock_out_the_right_password(settings: DeskSettings) -> None:
    with Served(settings.model_copy(update={"sign_in_tries": 3})) as served, httpx.Client(base_url=served.url) as client:
        data = {"door": door_token(client), "username": "j.sample", "password": "guess-guess"}
        assert [client.post("/sign-in", data=data).status_code for _ in range(3)] == [401] * 3
        with ThreadPoolExecutor(8) as many:
            answers = list(many.map(lambda _: client.post("/sign-in", data=data, timeout=30), range(8)))
        assert sorted(answer.status_code for answer in answers) == [401] * 2 + [429] * 6
        assert all(1 <= int(a.headers["retry-after"]) <= 60 for a in answers if a.status_code == 429)
        began = time.monotonic()
        assert client.post("/sign-in", data={**data, "password": PASSWORD}, timeout=30).status_code == 303
        assert 2 <= time.monotonic() - began < 12
        with sign_in(served.url, "m.testova") as other:
            assert other.get("/list").status_code == 200


def test_right_sign_ins_of_a_whole_ward_count_against_nobody(settings: DeskSettings) -> None:
    with Served(settings.model_copy(update={"sign_in_tries": 1})) as served:
        for _ in range(3):
            for who in ("m.testova", "j.sample", "a.fictus"):
                with sign_in(served.url, who):
                    pass


def test_only_a_named_proxy_says_where_somebody_comes_from(settings: DeskSettings) -> None:
    for proxies, codes in (("", [404, 404, 429, 429]), ("127.0.0.1", [404] * 4)):
        with Served(settings.model_copy(update={"claim_tries": 2, "trusted_proxies": proxies})) as served:
            url = f"{served.url}/gateway/v1/claim"
            claims = [{"X-Forwarded-For": f"10.0.0.{n}"} for n in range(4)]
            assert [httpx.post(url, json={"code": "AAAA-0000"}, headers=h).status_code for h in claims] == codes


@pytest.mark.parametrize("name", ["", " ", "m.testova\0", "\0", "x" * 5000])
def test_a_user_name_that_is_none_is_a_wrong_one(served: Served, name: str) -> None:
    with httpx.Client(base_url=served.url, timeout=30) as client:
        data = {"door": door_token(client), "username": name, "password": "\0"}
        assert client.post("/sign-in", data=data).status_code == 401


def test_sessions_that_are_over_go_and_one_person_has_so_many_at_most(served: Served, seeded: Seeded) -> None:
    with seeded.tx() as tx:
        for person, seen in ((seeded.ward.colleague, "16 minutes"), (seeded.ward.nurse, "1 minute")):
            tx.execute(
                "INSERT INTO session (hash, person, seen) SELECT sha256((%s || n)::bytea), %s, now() - %s::interval "
                "FROM generate_series(1, 200) n",
                [f"{person}:", person, seen],
            )
    with sign_in(served.url, "m.testova") as client:
        assert client.get("/list").status_code == 200
    with seeded.tx() as tx:
        left = tx.execute("SELECT person, count(*) FROM session GROUP BY 1").fetchall()
    assert left == [(seeded.ward.nurse, MOST_SESSIONS)]


def test_a_stream_ends_at_once_with_its_session(served: Served, seeded: Seeded) -> None:
    def signs_out(client: httpx.Client) -> None:
        assert client.post("/sign-out").status_code == 303

    def is_disabled(client: httpx.Client) -> None:
        with seeded.tx() as tx:
            disable_person(tx, seeded.ward.nurse)

    for ends in (signs_out, is_disabled):
        with sign_in(served.url, "m.testova") as client, client.stream("GET", "/stream") as events:
            lines = events.iter_lines()
            assert next(line for line in lines if line.startswith("data:"))
            began = time.monotonic()
            ends(client)
            assert next(line for line in lines if line == "event: bye")
            assert time.monotonic() - began < 3


def test_signing_out_ends_the_session_at_once(served: Served) -> None:
    with sign_in(served.url, "m.testova") as client:
        assert client.get("/list").status_code == 200
        token = client.cookies["vigil"]
        assert client.post("/sign-out").status_code == 303
    with httpx.Client(base_url=served.url, cookies={"vigil": token}) as again:
        assert again.get("/list").status_code == 401
