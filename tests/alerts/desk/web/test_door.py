from __future__ import annotations

import httpx

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
