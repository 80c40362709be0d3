"""A ward with a rota in the database: Ann and Ben are nurses, Cem heads them, Dee is the physician, Mia the manager."""

from __future__ import annotations

from alerts.care.channels import register_channels
from alerts.care.contacts import add_contact
from alerts.care.rotas import set_rota
from tests.alerts.conftest import Db

MASTER = bytes(range(32))
TEAM = 3
ANN, BEN, CEM, DEE, MIA = 1, 2, 3, 4, 9
PEOPLE = {"ann": ANN, "ben": BEN, "cem": CEM, "dee": DEE}
FILE = """\
zone = "Europe/Berlin"
manager = "mia"

[[layer]]
name = "nurse"
people = ["ann"]
begins = 2020-01-06

[[layer]]
name = "charge"
people = ["cem"]
begins = 2020-01-06

[[escalation.high]]
call = ["nurse"]
wait_min = 2

[[escalation.high]]
call = ["charge"]
wait_min = 3

[[escalation.high]]
call = ["dee"]
wait_min = 5
"""


def staff(db: Db) -> None:
    """The team with its patients 1 to 40, its people and the channels sms and mail, for persons, and webhook."""
    db.execute("INSERT INTO care_team (team, name, channels) VALUES (3, 'North', '{webhook}')")
    db.execute("INSERT INTO patient (patient, identity, team) SELECT n, '', 3 FROM generate_series(1, 40) n")
    db.execute("INSERT INTO person (person, sign_in, name, role, password) VALUES (9, 'mia', 'mia', 'administrator', '')")
    for sign_in, person in PEOPLE.items():
        db.execute(
            "INSERT INTO person (person, sign_in, name, role, password) VALUES (%s, %s, %s, 'nurse', '')",
            [person, sign_in, sign_in],
        )
        db.execute("INSERT INTO membership (person, team, since) VALUES (%s, 3, '2020-01-01')", [person])
    with db.transaction():
        register_channels(db, ["log", "webhook", "sms", "mail"], ["sms", "mail"])
        for person in (*PEOPLE.values(), MIA):
            add_contact(db, MASTER, person, "sms", f"+44{person}")


def with_rota(db: Db, file: str = FILE) -> None:
    """The same with a rota."""
    staff(db)
    with db.transaction():
        set_rota(db, TEAM, file, MIA)
