from __future__ import annotations

import time
from datetime import UTC, datetime

from alerts.care.admit import discharge_patient
from tests.alerts.desk.conftest import Seeded, Served
from tests.alerts.desk.hands import sign_in


def test_a_patient_of_another_team_does_not_exist_and_that_is_audited(served: Served, seeded: Seeded) -> None:
    other = seeded.ward.patients["OTHERBY"]
    with sign_in(served.url, "m.testova") as client:
        html = {"accept": "text/html"}
        for path in (f"/patients/{other}", f"/patients/{other}/series", f"/patients/{other}/limits", "/patients/999999"):
            answer = client.get(path, headers=html)
            assert answer.status_code == 404
            assert "OTHERBY" not in answer.text
        assert "OTHERBY" not in client.get("/").text
        assert client.post(f"/patients/{other}/limits", data={"reason": "New treatment"}).status_code == 404
    with seeded.tx() as tx:
        rows = tx.execute("SELECT person, subject FROM audit WHERE action = 'patient.denied' ORDER BY audit").fetchall()
    assert rows[0] == (seeded.ward.nurse, f"patient:{other}")
    assert len(rows) == 5


def test_an_alarm_of_another_team_cannot_be_acted_on(served: Served, seeded: Seeded) -> None:
    with seeded.tx() as tx:
        row = tx.execute("SELECT alarm, version FROM alarm WHERE closed IS NULL LIMIT 1").fetchone()
    assert row
    with sign_in(served.url, "o.outside") as client:
        assert client.post(f"/alarms/{row[0]}/acknowledge", data={"version": row[1]}).status_code == 404
        assert client.get(f"/alarms/{row[0]}/outcome").status_code == 404
    with seeded.tx() as tx:
        assert tx.execute("SELECT version FROM alarm WHERE alarm = %s", [row[0]]).fetchone() == (row[1],)


def test_reading_a_patient_leaves_an_audit_row(served: Served, seeded: Seeded) -> None:
    mine = seeded.ward.patients["EXAMPLETON"]
    with sign_in(served.url, "m.testova") as client:
        assert client.get(f"/patients/{mine}").status_code == 200
    with seeded.tx() as tx:
        found = tx.execute("SELECT person, subject FROM audit WHERE action = 'patient.read'").fetchall()
    assert found == [(seeded.ward.nurse, f"patient:{mine}")]


def test_leaving_a_team_ends_what_is_seen_at_once(served: Served, seeded: Seeded) -> None:
    mine = seeded.ward.patients["EXAMPLETON"]
    with sign_in(served.url, "m.testova") as client:
        with seeded.tx() as tx:
            tx.execute("UPDATE membership SET until = now() WHERE person = %s", [seeded.ward.nurse])
        assert client.get(f"/patients/{mine}").status_code == 404
        assert "EXAMPLETON" not in client.get("/list").text


def test_a_discharged_patient_leaves_the_list(served: Served, seeded: Seeded) -> None:
    mine = seeded.ward.patients["EXAMPLETON"]
    with seeded.tx() as tx:
        tx.execute("UPDATE alarm SET life = 'acknowledged' WHERE subject = %s AND life = 'unacknowledged'", [mine])
        discharge_patient(tx, mine, datetime.now(UTC), seeded.ward.nurse)
    with sign_in(served.url, "m.testova") as client:
        end = time.monotonic() + 15  # patients are among the slow parts of the list
        while "EXAMPLETON" in client.get("/list").text:
            assert time.monotonic() < end
            time.sleep(0.2)


def test_an_administrator_without_a_team_sees_nobody(served: Served) -> None:
    with sign_in(served.url, "r.root") as client:
        assert "Record VT-" not in client.get("/").text


def test_names_and_notes_are_escaped(served: Served, seeded: Seeded) -> None:
    with seeded.tx() as tx:
        tx.execute("UPDATE person SET name = '<script>x</script>' WHERE person = %s", [seeded.ward.colleague])
    with sign_in(served.url, "m.testova") as client:
        client.get("/")
        assert "<script>x" not in client.get("/list").text
