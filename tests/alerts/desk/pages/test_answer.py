"""The page behind the link of a message, as the person who was called, and a scanner of mail, meet it."""

from __future__ import annotations

import re
import time

import httpx
import psycopg
import pytest

from alerts.care.answer_links import token_of
from alerts.database import scalar, to_ms
from alerts.fold.fold import fold_conditions
from tests.alerts.desk.conftest import MASTER, Seeded, Served
from tests.alerts.desk.seed import PASSWORD
from tests.alerts.fold.test_fold import condition


@pytest.fixture
def link(seeded: Seeded) -> str:
    """A patient without alarms gets one, and M. Testova is called."""
    with psycopg.connect(seeded.url, autocommit=True) as db:
        person = scalar(db, "SELECT person FROM person WHERE sign_in = 'm.testova'")
        patient = scalar(
            db,
            "SELECT p.patient FROM patient p JOIN membership m USING (team) WHERE m.person = %s AND NOT EXISTS ("
            " SELECT FROM alarm a WHERE a.subject = p.patient AND a.subject_kind = 'patient' AND a.closed IS NULL) LIMIT 1",
            [person],
        )
        with db.transaction():
            fold_conditions(db, [condition(subject=patient, second=int(time.time()))])
        number, due = db.execute(
            "UPDATE notification SET recipient = %s WHERE notification = (SELECT max(notification) FROM notification)"
            " RETURNING notification, due",
            [f"person:{person}"],
        ).fetchone() or (0, None)
    return f"/call/{token_of(MASTER, number, to_ms(due))}"


def test_a_get_does_nothing_and_a_press_takes_the_patient_once(served: Served, seeded: Seeded, link: str) -> None:
    with httpx.Client(base_url=served.url, headers={"Accept": "text/html"}, timeout=15) as anybody:
        for _ in range(3):  # a scanner follows the link as often as it likes
            page = anybody.get(link)
            assert page.status_code == 200
        assert "I take the patient" in page.text
        assert not re.search("EXAMPLETON|SpO|88", page.text), "nothing of the patient is on this page"
        alarms = re.search(r'name="alarms" value="([\d: ]+)"', page.text)
        assert alarms
        (number,) = (int(one.partition(":")[0]) for one in alarms[1].split())
        with seeded.tx() as tx:
            assert scalar(tx, "SELECT life FROM alarm WHERE alarm = %s", [number]) == "unacknowledged"
        assert anybody.head(link).status_code in (200, 405)
        assert anybody.post(link, data={"alarms": alarms[1]}).status_code == 422

        done = anybody.post(link, data={"answer": "take", "alarms": alarms[1]})
        assert (done.status_code, "You have the patient" in done.text) == (200, True)
        with seeded.tx() as tx:
            assert scalar(tx, "SELECT life FROM alarm WHERE alarm = %s", [number]) == "acknowledged"
        again = anybody.post(link, data={"answer": "take", "alarms": alarms[1]})
        assert (again.status_code, "answered this call already" in again.text) == (410, True)
        assert anybody.get("/call/nonsense").status_code == 410


def test_on_duty_is_shown_for_the_teams_of_the_person_alone(served: Served, seeded: Seeded) -> None:
    from tests.alerts.desk.hands import sign_in

    with seeded.tx() as tx:
        team = scalar(tx, "SELECT min(team) FROM membership JOIN person USING (person) WHERE sign_in = 'm.testova'")
        tx.execute("INSERT INTO care_team (name, rota) VALUES ('Elsewhere', 1)")
        text = (
            'zone = "Europe/Berlin"\nmanager = "m.testova"\n[[layer]]\nname = "nurse"\npeople = ["m.testova"]\n'
            'begins = 2020-01-06\nfrom = "07:00"\nto = "19:00"\n[[escalation.high]]\ncall = ["nurse", "team"]\n'
        )
        tx.execute("INSERT INTO rota (team, version, source, by_person) VALUES (%s, 1, %s, 1)", [team, text])
        tx.execute("UPDATE care_team SET rota = 1 WHERE team = %s", [team])
    with sign_in(served.url, "m.testova", PASSWORD) as nurse:
        page = nurse.get("/rota", headers={"Accept": "text/html"}).text
    assert "Elsewhere" not in page
    assert "nurse and the whole team, for 2 min" in page
    assert "nobody is on duty" in page
