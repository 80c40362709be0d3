"""The one reader: it goes on whatever a row holds, says what it cannot read, and comes back whatever ends it."""

from __future__ import annotations

import time
from collections.abc import Callable

import httpx
import msgspec
import pytest
from structlog.testing import capture_logs

from alerts.care.identity import Identity, seal_identity
from alerts.desk.settings import DeskSettings
from alerts.desk.worklist import lines, reader
from alerts.desk.worklist.cells import cells_of
from alerts.desk.worklist.read import read_quick
from alerts.desk.worklist.snapshot import Patient, Snapshot
from tests.alerts.desk.conftest import MASTER, Seeded, Served
from tests.alerts.desk.hands import sign_in


def until(true: Callable[[], object], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def health(served: Served) -> dict[str, object]:
    answer: dict[str, object] = httpx.get(f"{served.url}/healthz").json()
    return answer


def test_a_damaged_identity_is_an_error_of_its_patient_alone(settings: DeskSettings, seeded: Seeded) -> None:
    patients = seeded.ward.patients
    damaged, misdated, unread = patients["EXAMPLETON"], patients["STUBBSON"], patients["TESTWELL"]
    identity = Identity(family="Stubbson", given="Leo", born="1950-13-01", record_number="VT-1")
    with seeded.tx() as tx:
        tx.execute("UPDATE patient SET identity = set_byte(identity, 20, 255 - get_byte(identity, 20)) WHERE patient = %s",
                   [damaged])  # fmt: skip
        sealed = seal_identity(identity, MASTER, misdated)
        tx.execute("UPDATE patient SET identity = %s WHERE patient = %s", [sealed, misdated])
        tx.execute("UPDATE control SET payload = '[]' WHERE patient = %s AND kind = 'facts'", [unread])
        tx.execute(
            "UPDATE event SET value = value || '{\"percent\": 1000000000000}' WHERE kind = 'battery' AND patient = %s",
            [patients["MOCKFORD"]],
        )
    with capture_logs() as logs, Served(settings) as served, sign_in(served.url, "m.testova") as client:
        page = client.get("/list").text
        assert f"patient {damaged} (identity cannot be read)" in page
        assert "STUBBSON, Leo (date of birth cannot be read)" in page
        assert "TESTWELL, Bruno (facts cannot be read)" in page
        assert "MOCKFORD, Daniel (battery cannot be read)" in page
        assert "PLACEHOLDER, Edith<" in page
        assert "134" in page  # the heart rate and the alarm of the patient without a name
        for patient in (damaged, misdated, unread):
            assert client.get(f"/patients/{patient}").status_code == 200
        found = health(served)
        assert (found["healthy"], found["failing"], found["unreadable"]) == (True, {}, 4)
        assert "vigil_desk_unreadable 4.0" in client.get("/metrics").text
    named = [line for line in logs if line["event"].startswith("stored data cannot be read")]
    assert sorted((line["patient"], line["what"]) for line in named) == sorted(
        [(damaged, "identity"), (misdated, "date of birth"), (unread, "facts"), (patients["MOCKFORD"], "battery")]
    )
    assert "1950-13-01" not in str(logs)
    assert "Stubbson" not in str(logs)


def test_a_line_that_cannot_be_made_costs_its_patient_the_numbers_alone(
    settings: DeskSettings, seeded: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    victim, whole = seeded.ward.patients["EXAMPLETON"], cells_of

    def fails(snapshot: Snapshot, patient: Patient) -> object:
        if patient.patient == victim and snapshot.values.get(victim):
            raise ZeroDivisionError
        return whole(snapshot, patient)

    monkeypatch.setattr(lines, "cells_of", fails)
    with Served(settings) as served, sign_in(served.url, "m.testova") as client:
        page = client.get("/list").text
        assert "EXAMPLETON, Ada (numbers cannot be shown)" in page
        assert page.count('class="who"') == len(seeded.ward.patients) - 1  # all of the team
        assert health(served)["unreadable"] == 1


def test_a_reader_that_fails_is_shown_counted_and_begun_again(
    settings: DeskSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, broken = read_quick, list[bool]()

    async def fails(*args: object) -> object:
        if broken:
            raise msgspec.ValidationError("EXAMPLETON")
        return await whole(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(reader, "read_quick", fails)
    monkeypatch.setattr("alerts.desk.web.health.OLD_S", 1.0)
    with capture_logs() as logs, Served(settings) as served, sign_in(served.url, "m.testova") as client:
        client.get("/list")
        broken.append(True)
        until(lambda: health(served)["failing"] == {"list reader": "ValidationError"})
        until(lambda: httpx.get(f"{served.url}/healthz").status_code == 503)
        with client.stream("GET", "/stream") as events:
            beats = (line for line in events.iter_lines() if line.startswith("data: ") and "age_s" in line)
            assert msgspec.json.decode(next(beats)[6:])["age_s"] > 0
        broken.clear()
        until(lambda: httpx.get(f"{served.url}/healthz").status_code == 200)
        assert 'vigil_desk_part_failures_total{part="list reader"}' in client.get("/metrics").text
    assert "EXAMPLETON" not in str([line for line in logs if line["event"] == "a part failed"])
