from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import httpx
import msgspec

from alerts.care.consent import give_consent
from alerts.care.devices import add_device
from alerts.care.enrol import enrol
from alerts.care.gateways import new_claim, revoke_gateway
from alerts.desk.settings import DeskSettings
from devices.wire.pairing import Claimed, Config
from tests.alerts.desk.conftest import MASTER, Seeded, Served
from tests.alerts.desk.hands import sign_in
from tests.alerts.effect import take_effect


def claimed(served: Served, seeded: Seeded) -> Claimed:
    with seeded.tx() as tx:
        code = new_claim(tx, seeded.ward.gateways[0])
    answer = httpx.post(f"{served.url}/gateway/v1/claim", json={"code": code})
    assert answer.status_code == 200
    return msgspec.json.decode(answer.content, type=Claimed)


def config(served: Served, credential: str, mark: str = "", wait: float = 30, timeout: float = 40) -> httpx.Response:
    return httpx.get(
        f"{served.url}/gateway/v1/config",
        params={"wait": wait},
        headers={"Authorization": f"Bearer {credential}"} | ({"If-None-Match": mark} if mark else {}),
        timeout=timeout,
    )


def test_a_claim_code_works_once_and_only_the_credentials_hash_is_kept(served: Served, seeded: Seeded) -> None:
    with seeded.tx() as tx:
        code = new_claim(tx, seeded.ward.gateways[0])
    url = f"{served.url}/gateway/v1/claim"
    first, second = (httpx.post(url, json={"code": code}) for _ in range(2))
    assert (first.status_code, second.status_code) == (200, 404)
    assert "set-cookie" not in first.headers
    credential = msgspec.json.decode(first.content, type=Claimed).credential
    with seeded.tx() as tx:
        stored = tx.execute("SELECT credential_hash FROM gateway WHERE credential_hash IS NOT NULL").fetchall()
    assert len(stored) == 1
    assert credential.encode() not in bytes(stored[0][0])
    assert httpx.post(url, content=b"{nonsense").status_code == 400


def test_guessing_codes_ends_in_429(settings: DeskSettings) -> None:
    with Served(settings.model_copy(update={"claim_tries": 3})) as served:
        url = f"{served.url}/gateway/v1/claim"
        codes = [httpx.post(url, json={"code": f"AAAA-000{n}"}).status_code for n in range(5)]
    assert codes == [404, 404, 404, 429, 429]


def test_sixty_wrong_credentials_at_once_take_nothing_from_a_nurse(served: Served) -> None:
    with sign_in(served.url, "m.testova") as nurse, ThreadPoolExecutor(60) as many:
        answers = [many.submit(config, served, "nonsense") for _ in range(120)]
        seen = [nurse.get("/list").status_code for _ in range(5)]
        assert seen == [200] * 5
        assert {answer.result().status_code for answer in answers} == {401}


def test_the_configuration_names_patients_keys_and_devices(served: Served, seeded: Seeded) -> None:
    answer = config(served, claimed(served, seeded).credential)
    assert answer.status_code == 200
    received = msgspec.json.decode(answer.content, type=Config)
    assert received.topic == "vitals.v1"
    ada = seeded.ward.patients["STUBBSON"]
    assert ada in {key.patient for key in received.patients}
    assert {len(key.secret) for key in received.patients} == {32}
    assert {d.device for d in received.devices if d.patient == ada} == set(seeded.ward.devices[ada])


def test_a_change_answers_a_waiting_gateway_at_once(served: Served, seeded: Seeded) -> None:
    credential = claimed(served, seeded).credential
    first = config(served, credential)
    version, mark = msgspec.json.decode(first.content, type=Config).version, first.headers["etag"]
    answers: list[tuple[float, httpx.Response]] = []

    def wait() -> None:
        answers.append((time.monotonic(), config(served, credential, mark)))

    waiting = threading.Thread(target=wait)
    waiting.start()
    time.sleep(0.5)
    assert not answers
    changed = time.monotonic()
    with seeded.tx() as tx:
        give_consent(tx, seeded.ward.patients["STUBBSON"], given=False, by=seeded.ward.nurse)
    waiting.join(10)
    assert time.monotonic() - changed < 2
    received = msgspec.json.decode(answers[0][1].content, type=Config)
    assert received.version > version
    assert seeded.ward.patients["STUBBSON"] not in {key.patient for key in received.patients}


def test_nothing_new_answers_304_after_the_wait(served: Served, seeded: Seeded) -> None:
    credential = claimed(served, seeded).credential
    mark = config(served, credential).headers["etag"]
    began = time.monotonic()
    assert config(served, credential, mark, wait=1).status_code == 304
    assert 0.8 < time.monotonic() - began < 5


def test_an_enrolment_that_takes_effect_answers_a_waiting_gateway_at_once(served: Served, seeded: Seeded) -> None:
    credential = claimed(served, seeded).credential
    gateway, ada = seeded.ward.gateways[0], seeded.ward.patients["STUBBSON"]
    with seeded.tx() as tx:
        device = add_device(tx, "second belt", "ble", "C0:DE:00:00:00:99", 1)
        enrol(tx, MASTER, device, ada, gateway, datetime.now(UTC), seeded.ward.nurse)
    first = config(served, credential)
    assert device not in {one.device for one in msgspec.json.decode(first.content, type=Config).devices}
    with ThreadPoolExecutor(1) as one:
        answer = one.submit(config, served, credential, first.headers["etag"])
        time.sleep(0.3)
        began = time.monotonic()
        with seeded.tx() as tx:
            take_effect(tx)
        received = msgspec.json.decode(answer.result().content, type=Config)
        assert time.monotonic() - began < 2
    assert device in {one.device for one in received.devices}


def test_an_unknown_credential_answers_401_and_one_that_has_ended_410(served: Served, seeded: Seeded) -> None:
    credential = claimed(served, seeded).credential
    assert config(served, "nonsense").status_code == 401
    assert httpx.get(f"{served.url}/gateway/v1/config").status_code == 401
    replaced, credential = credential, claimed(served, seeded).credential
    assert config(served, replaced).status_code == 410
    assert config(served, credential).status_code == 200
    with seeded.tx() as tx:
        revoke_gateway(tx, seeded.ward.gateways[0], seeded.ward.administrator)
    assert config(served, credential).status_code == 410
