"""An administrator hands out a leaflet and revokes it; its code is shown once, and nobody else may make one."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import httpx
import pytest

from alerts.desk.pages.admin.leaflet import link_of, qr_of
from tests.alerts.desk.conftest import Seeded, Served
from tests.alerts.desk.hands import sign_in
from tests.alerts.desk.pages.pair.hands import FAMILY, actions


@pytest.fixture
def admin(served: Served) -> Iterator[httpx.Client]:
    with sign_in(served.url, "r.root") as client:
        client.follow_redirects = True
        yield client


def test_a_leaflet_is_printed_opened_and_revoked(admin: httpx.Client, served: Served, seeded: Seeded) -> None:
    patient = seeded.ward.patients[FAMILY]
    path = f"/admin/patients/{patient}/leaflets"
    assert path in admin.get(f"/admin/patients/{patient}").text
    refused = admin.post(path, data={"gateway": "1", "kind": "belt"})
    assert refused.status_code == 422 and "no telephone number" in refused.text
    assert "other signs than digits" in admin.post("/admin/teams/1/phone", data={"phone": "the ward"}).text
    assert "Saved." in admin.post("/admin/teams/1/phone", data={"phone": "030 5550100"}).text
    page = admin.post(path, data={"gateway": "1", "kind": "belt"}).text
    link = re.search(r'<p class="link">(.*?)</p>', page)
    assert link and "<svg" in page and "030 5550100" in page
    code = html.unescape(link[1]).rpartition("/")[2]
    assert httpx.get(f"{served.url}/pair/{code}").status_code == 200
    listed = admin.get(path).text
    assert code not in listed and "begun, at whose" in listed
    assert "opens nothing any more" in admin.post(f"{path}/1/revoke").text
    assert httpx.get(f"{served.url}/pair/{code}").status_code == 404
    assert admin.post(f"{path}/77/revoke").status_code == 404
    assert admin.get("/admin/patients/999999/leaflets").status_code == 404
    with seeded.tx() as tx:
        acts = actions(tx, patient)
    assert [one for one in acts if one.startswith("pairing")] == ["pairing.made", "pairing.opened", "pairing.revoked"]


def test_nobody_else_makes_a_leaflet(served: Served, seeded: Seeded) -> None:
    path = f"/admin/patients/{seeded.ward.patients[FAMILY]}/leaflets"
    with sign_in(served.url, "m.testova") as nurse:
        assert nurse.get(path).status_code == 403
        assert nurse.post(path, data={"gateway": "1"}).status_code == 403
        assert nurse.post(f"{path}/1/revoke").status_code == 403


def test_the_qr_holds_the_link_and_nothing_that_the_policy_forbids() -> None:
    link = link_of("https://desk.example.org/", "ABCD-EFGH-JKMN")
    assert link == "https://desk.example.org/pair/ABCD-EFGH-JKMN"
    drawn = str(qr_of(link))
    assert drawn.startswith("<svg") and "style=" not in drawn and "<script" not in drawn
    assert drawn != str(qr_of(link_of("https://desk.example.org", "ABCD-EFGH-JKMP")))
