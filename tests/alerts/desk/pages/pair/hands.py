"""A patient with a leaflet and a telephone, a gateway that reports, a worker that stores: as far as the desk sees them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import psycopg

from alerts.care.gateways import hash_of
from alerts.care.pairing_codes import Leaflet, make_leaflet
from devices.vitals import Vital
from tests.alerts.desk.conftest import MASTER, Seeded, Served
from tests.latest import put_latest

BELT, TAKEN, CLIP = "C0:DE:00:00:00:2A", "C0:DE:00:00:00:01", "C0:DE:00:00:00:2B"
CREDENTIAL = "a credential of a test"
FAMILY = "STUBBSON"


@dataclass
class Phone:
    """A browser without scripts: it reads pages and presses buttons that are on them."""

    client: httpx.Client
    path: str
    presses: int = 0

    def open(self) -> str:
        answer = self.client.get(self.path)
        assert answer.status_code == 200, answer.text
        return answer.text

    def press(self, answer: str, value: str | None = None) -> str:
        """Press the button with this answer, and with this value where there are several."""
        page = self.open()
        forms = re.findall(r"<form method=\"post\".*?</form>", page, re.DOTALL)
        for form in forms:
            fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))
            answers = re.findall(r'name="answer" value="([^"]*)"', form)
            if answer in answers and value in (None, fields.get("value")):
                self.presses += 1
                sent = {"step": fields["step"], "value": fields.get("value", ""), "answer": answer}
                done = self.client.post(self.path, data=sent)
                assert done.status_code == 200, done.text
                return done.text
        raise AssertionError(f"no button {answer} {value or ''} on: {title(page)}")


def title(page: str) -> str:
    found = re.search(r"<h1[^>]*>(.*?)</h1>", page, re.DOTALL)
    assert found, page
    return found[1].strip()


@contextmanager
def phone(served: Served, code: str) -> Iterator[Phone]:
    with httpx.Client(base_url=served.url, follow_redirects=True, timeout=15) as client:
        yield Phone(client, f"/pair/{code}")


def leaflet(seeded: Seeded, family: str = FAMILY, *, kind: str | None = "belt", days: int = 7) -> Leaflet:
    """A leaflet of a patient whose ward can be called, for a gateway that has a credential."""
    with seeded.tx() as tx:
        tx.execute("UPDATE care_team SET phone = '030 5550 100'")
        gateway = seeded.ward.gateways[0]
        tx.execute("UPDATE gateway SET credential_hash = %s WHERE gateway = %s", [hash_of(CREDENTIAL), gateway])
        return make_leaflet(
            tx, MASTER, seeded.ward.patients[family], gateway, seeded.ward.administrator, kind=kind, days=days
        )


def withdraw_before(seeded: Seeded, family: str = FAMILY) -> None:
    """Nobody has asked this patient yet."""
    with seeded.tx() as tx:
        tx.execute("DELETE FROM consent WHERE patient = %s", [seeded.ward.patients[family]])


def report(served: Served, seeded: Seeded, *devices: dict[str, object], fault: str = "", request: int | None = None) -> int:
    """What the gateway posts about its scan; the status of the answer."""
    if request is None:
        with seeded.tx() as tx:
            (request,) = tx.execute("SELECT max(request) FROM gateway_scan").fetchone() or (0,)
    seen = {"request": request, "devices": list(devices), "fault": fault}
    headers = {"Authorization": f"Bearer {CREDENTIAL}"}
    return httpx.post(f"{served.url}/gateway/v1/seen", json=seen, headers=headers).status_code


def nearby(address: str = BELT, name: str = "Vigil belt", profile: str = "heart rate", **more: object) -> dict[str, object]:
    return {"address": address, "name": name, "profiles": [profile], "rssi": -58, **more}


def arrive(seeded: Seeded, device: int, value: float = 72.0, family: str = FAMILY) -> None:
    """As a worker stores it: the newest value of the device."""
    with seeded.tx() as tx:
        now = tx.execute("SELECT clock_timestamp()").fetchone()
        assert now
        put_latest(tx, [(seeded.ward.patients[family], int(Vital.HEART_RATE), device, now[0], value, 0, now[0])])


def actions(tx: psycopg.Connection, patient: int) -> list[str]:
    rows = tx.execute("SELECT action FROM audit WHERE subject = %s ORDER BY audit", [f"patient:{patient}"])
    return [one for (one,) in rows]
