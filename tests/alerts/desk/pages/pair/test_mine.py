"""The page of one's own readings: plain words, what to do with a device, consent taken back, all data along."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from psycopg.types.json import Jsonb

from alerts.care.consent import has_consented
from alerts.desk.pages.pair.download import HEADER, row_of
from alerts.desk.pages.pair.mine import State, connection_state, in_order
from alerts.desk.pages.pair.visit import Value
from devices.vitals import VITALS
from tests.alerts.desk.conftest import Seeded, Served
from tests.alerts.desk.pages.pair.hands import BELT, FAMILY, actions, leaflet, phone, title
from tests.alerts.desk.pages.pair.test_routes import paired


@pytest.mark.parametrize(
    ("interval_s", "seen_s", "linked", "on_skin", "state"),
    [
        (1, 3, True, True, "measures"),
        (1, 3, None, None, "measures"),
        (1, 3, True, False, "off_skin"),
        (1, 600, False, None, "away"),
        (1, 600, False, False, "away"),
        (60, 150, True, None, "measures"),
        (1, None, None, None, "never"),
        (1, None, False, None, "away"),
        (0, None, None, None, "never"),
        (0, 90_000, False, None, "ready"),
    ],
)
def test_a_device_is_described_by_what_its_wearer_can_do(
    interval_s: int, seen_s: float | None, linked: bool | None, on_skin: bool | None, state: State
) -> None:
    assert connection_state(interval_s, seen_s, linked, on_skin, consented=True) == state
    assert connection_state(interval_s, seen_s, linked, on_skin, consented=False) == "stopped"


def test_figures_that_are_one_to_a_patient_are_shown_as_one() -> None:
    found = in_order([Value(2, 71, 5, 5), Value(1, 72, 5, 5), Value(6, 80, 5, 5), Value(5, 120, 5, 5), Value(7, 93, 5, 5)])
    assert [(one.vital, one.value, one.lower) for one in found] == [(1, 72, None), (5, 120, 80)]
    apart = in_order([Value(6, 80, 9, 9), Value(5, 120, 5, 5)])
    assert [(one.vital, one.lower) for one in apart] == [(5, None), (6, None)]


def test_consent_is_taken_back_and_given_again(served: Served, seeded: Seeded) -> None:
    made, patient = leaflet(seeded), seeded.ward.patients[FAMILY]
    with phone(served, made.code) as held:
        paired(held, served, seeded)
        page = held.press("mine")
        assert "Connected, it measures" in page and "Your heart" in page and "118 over 64" in page
        page = held.press("withdraw")
        assert "Nothing is sent to the ward" in page and "Add a device" not in page
        with seeded.tx() as tx:
            assert not has_consented(tx, patient)
            reasons = tx.execute("SELECT detail ->> 'reason' FROM alarm WHERE rule = 'call_back'").fetchall()
        assert reasons == [("has withdrawn the consent: nothing is received any more",)]
        assert title(held.press("consent")) == "What the ward will see"
        assert title(held.press("agree")) == "My readings"
    with seeded.tx() as tx:
        assert has_consented(tx, patient)
        acts = actions(tx, patient)
        assert acts.count("consent.withdrawn") == 1 and acts.count("consent.given") == 2


def test_a_device_is_given_back_and_another_one_added(served: Served, seeded: Seeded) -> None:
    made = leaflet(seeded)
    with phone(served, made.code) as held:
        device = paired(held, served, seeded)
        held.press("mine")
        page = held.press("off", str(device))
        assert "yours no more" in page and "Vigil belt" not in page
        other = seeded.ward.devices[seeded.ward.patients["EXAMPLETON"]][0]
        held.client.post(held.path, data={"step": "mine", "answer": "off", "value": str(other)})
        assert title(held.press("add")) == "What is in the box?"
        assert title(held.press("back")) == "My readings"
    with seeded.tx() as tx:
        worn = (
            "SELECT count(*) FROM enrolment JOIN device USING (device) WHERE until IS NULL AND (address = %s OR device = %s)"
        )
        assert tx.execute(worn, [BELT, other]).fetchone() == (1,)  # of the other patient


def test_everything_is_taken_along_as_csv_and_only_of_this_patient(served: Served, seeded: Seeded) -> None:
    made, patient = leaflet(seeded), seeded.ward.patients[FAMILY]
    path = f"/download/{made.code}/readings.csv"
    with phone(served, made.code) as held:
        assert title(held.client.get(path).text).startswith("Hello")  # before the receipt there is no own page
        paired(held, served, seeded)
        held.press("mine")
        answer = held.client.get(path)
        assert answer.headers["content-type"].startswith("text/csv")
        rows = list(csv.reader(io.StringIO(answer.text)))
        assert held.client.get("/download/ABCD-EFGH-JKMN/readings.csv").status_code == 404
    with seeded.tx() as tx:
        stored = tx.execute("SELECT count(*) FROM reading WHERE patient = %s", [patient]).fetchone()
        assert "readings.downloaded" in actions(tx, patient)
    assert stored and len(rows) == stored[0] + 1 > 1000
    assert rows[0] == list(HEADER)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", row[0]) for row in rows[1:50])


def test_a_row_has_local_time_units_and_what_is_said_against_a_value() -> None:
    values: list[object] = [None] * (2 * len(VITALS))
    values[0], values[len(VITALS)] = 72.0, 3
    row = row_of(ZoneInfo("Europe/Berlin"), (datetime(2026, 11, 30, 23, 30, tzinfo=UTC), "Belt", *values))
    assert row[:3] == ["2026-12-01T00:30:00.000+01:00", "Belt", "72"]
    assert row[-1] == "heart rate: sensor off"
    assert HEADER[2] == "heart_rate [/min]"


def test_which_of_you_is_user_2(served: Served, seeded: Seeded) -> None:
    made, patient = leaflet(seeded), seeded.ward.patients[FAMILY]
    cuff = seeded.ward.devices[patient][2]
    with phone(served, made.code) as held:
        paired(held, served, seeded)
        held.press("mine")
        with seeded.tx() as tx:
            tx.execute("UPDATE enrolment SET since = now() - interval '1 hour' WHERE device = %s", [cuff])
            for number in (2, 3):
                tx.execute(
                    "INSERT INTO event (patient, time, device, epoch, sequence, gateway, kind, value, arrived, at_offset) "
                    "VALUES (%s, now(), %s, 9, %s, 1, 'fault', %s, now(), 1)",
                    [patient, cuff, number, Jsonb({"kind": "fault", "what": f"user {number}", "reason": "is not assigned"})],
                )
            (address,) = tx.execute("SELECT address FROM device WHERE device = %s", [cuff]).fetchone() or ("",)
        assert "Which of you is user 2?" in held.open()
        page = held.press("not_user", f"{address} 3")
        assert "user 3?" not in page and "user 2?" in page
        assert title(held.press("user", f"{address} 2")) == "Measure once now"
        held.press("back")
    with seeded.tx() as tx:
        worn = tx.execute(
            "SELECT device_user FROM enrolment JOIN device USING (device) "
            "WHERE patient = %s AND until IS NULL AND address = %s",
            [patient, address],
        ).fetchall()
        assert worn == [(2,)]
        assert "pairing.not_user" in actions(tx, patient)
