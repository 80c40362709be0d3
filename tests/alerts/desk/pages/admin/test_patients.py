"""An administrator admits, corrects, discharges and takes back patients, and imports a file; nobody else may."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest

from alerts.care.admit import identity_of
from alerts.care.consent import has_consented
from tests.alerts.desk.conftest import MASTER, Seeded, Served
from tests.alerts.desk.hands import sign_in

ADA = {"family": "Sampleson", "given": "Cleo", "born": "1950-01-02", "record_number": "VT-90", "sex": "", "phone": ""}
FILE = "family,given,born,record\nSampleson,Cleo,1950-01-02,VT-90\nBad,Date,02.01.1950,VT-91\n"


@pytest.fixture
def admin(served: Served) -> Iterator[httpx.Client]:
    with sign_in(served.url, "r.root") as client:
        client.follow_redirects = True
        yield client


def audited(seeded: Seeded, action: str) -> list[str]:
    with seeded.tx() as tx:
        return [row[0] for row in tx.execute("SELECT subject FROM audit WHERE action = %s ORDER BY audit", [action])]


def test_nobody_else_is_offered_the_pages_or_may_open_them(served: Served, seeded: Seeded, admin: httpx.Client) -> None:
    assert "/admin/patients" in admin.get("/").text
    with sign_in(served.url, "m.testova") as nurse:
        assert "/admin" not in nurse.get("/").text
        for path in ("/admin/patients", "/admin/patients/new", "/admin/patients/1", "/admin/patients/import"):
            assert nurse.get(path).status_code == 403, path
        for path in ("new", "1", "import", "1/discharge", "1/readmit", "1/consent", "1/withdraw"):
            assert nurse.post(f"/admin/patients/{path}", data=ADA).status_code == 403, path
    assert len(audited(seeded, "admin.denied")) == 11
    del admin.headers["X-CSRF-Token"]
    assert admin.post("/admin/patients/new", data=ADA).status_code == 403  # a form without its token


def test_a_patient_is_admitted_found_corrected_discharged_and_taken_back(admin: httpx.Client, seeded: Seeded) -> None:
    team = str(seeded.ward.team)
    page = admin.post("/admin/patients/new", data={**ADA, "born": "1.2.1950"})
    assert page.status_code == 422
    assert "write it as YYYY-MM-DD" in page.text
    assert "Choose the care team" in page.text and 'value="Sampleson"' in page.text
    page = admin.post("/admin/patients/new", data={**ADA, "team": team, "consent": "yes"})
    assert "Admitted" in page.text and "SAMPLESON, Cleo" in page.text
    path = page.url.path
    number = int(path.rpartition("/")[2])
    found = admin.get("/admin/patients", params={"q": "cleo vt-90"}).text
    assert path in found and "1 of 1 shown" in found
    assert "Corrected" in admin.post(path, data={**ADA, "family": "Sampson"}).text
    assert "Discharged" in admin.post(f"{path}/discharge").text
    assert "SAMPSON" not in admin.get("/admin/patients").text
    assert "SAMPSON" in admin.get("/admin/patients", params={"all": "1"}).text
    assert "is discharged: first take" in admin.post(path, data=ADA).text
    assert "In care again" in admin.post(f"{path}/readmit").text
    assert "there is nothing to undo" in admin.post(f"{path}/readmit").text
    assert "none, so no data" in admin.post(f"{path}/withdraw").text
    with seeded.tx() as tx:
        assert identity_of(tx, MASTER, number).family == "Sampson"
        assert not has_consented(tx, number)
    patient_acts = ("patient.admitted", "patient.discharged", "patient.readmitted")
    for action in (*patient_acts, "identity.corrected", "consent.withdrawn"):
        assert audited(seeded, action) == [f"patient:{number}"], action


def test_a_record_number_of_another_patient_is_named_at_its_field(admin: httpx.Client, seeded: Seeded) -> None:
    with seeded.tx() as tx:
        taken = identity_of(tx, MASTER, seeded.ward.patients["EXAMPLETON"]).record_number
    page = admin.post("/admin/patients/new", data={**ADA, "record_number": taken, "team": str(seeded.ward.team)})
    assert page.status_code == 422
    assert re.search(r'id="record_number-wrong">.*has this record number already: check the number', page.text)
    assert "vigil patient" not in page.text


def test_a_patient_with_alarms_that_nobody_took_is_not_discharged(admin: httpx.Client, seeded: Seeded) -> None:
    path = f"/admin/patients/{seeded.ward.patients['EXAMPLETON']}"
    page = admin.post(f"{path}/discharge")
    assert page.status_code == 422 and "nobody acknowledged" in page.text
    assert admin.get("/admin/patients/999999").status_code == 404


def test_a_file_is_checked_first_and_then_imported_with_the_same_report(admin: httpx.Client, seeded: Seeded) -> None:
    team = {"team": str(seeded.ward.team)}
    url = "/admin/patients/import"
    assert "No file was chosen" in admin.post(url, data={**team, "act": "check"}).text
    page = admin.post(url, data={**team, "act": "check"}, files={"file": ("ward.csv", FILE.encode())}).text
    assert "1 can be admitted, 1 refused" in page and "Admit 1 patient<" in page
    assert "<b>born</b>: The date of birth &#39;02.01.1950&#39; is no date" in page
    assert "SAMPLESON" not in admin.get("/admin/patients").text
    assert "1 admitted, 1 refused" in admin.post(url, data={**team, "act": "import", "text": FILE}).text
    assert "1 there already, 1 refused" in admin.post(url, data={**team, "act": "import", "text": FILE}).text
    assert len(audited(seeded, "patient.admitted")) == 1
    assert admin.get("/admin/patients/import.csv").text.startswith("family,given,born,record,")
    wrong = admin.post(url, data={**team, "act": "check"}, files={"file": ("ward.csv", b"name\nAda\n")})
    assert wrong.status_code == 422 and "no column family" in wrong.text
