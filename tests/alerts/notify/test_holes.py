"""The manager hears of a hole before it comes, once."""

from __future__ import annotations

from datetime import timedelta

from alerts.care.rotas import set_rota
from alerts.database import now, scalar
from alerts.notify.channel import Message
from alerts.notify.holes import HoleWatch, report_ahead
from alerts.notify.outbox import send_due
from tests.alerts.conftest import Db
from tests.alerts.rota.ward import FILE, MASTER, MIA, TEAM, with_rota


class Kept:
    """A channel that keeps what it is given."""

    name = "sms"
    personal = True

    def __init__(self) -> None:
        self.got: list[Message] = []

    def send(self, message: Message) -> str:
        self.got.append(message)
        return "kept"


def weekdays_only() -> str:
    return FILE.replace(
        'people = ["cem"]\nbegins = 2020-01-06',
        'people = ["cem"]\nbegins = 2020-01-06\ndays = ["Mon", "Tue", "Wed", "Thu", "Fri"]',
    )


def test_a_hole_of_the_next_week_is_reported_once_to_the_manager(db: Db) -> None:
    with_rota(db, weekdays_only())
    watch = HoleWatch()
    assert watch.look(db) == 0
    found = db.execute("SELECT recipient, channel, alarm, words FROM notification").fetchall()
    assert [row[:3] for row in found] == [(f"person:{MIA}", "sms", None)]
    assert "charge from Sat" in found[0][3]
    assert "nobody is on duty" in found[0][3]
    HoleWatch().look(db)
    assert report_ahead(db, TEAM, now(db) + timedelta(hours=1)) == 0
    assert scalar(db, "SELECT count(*) FROM notification") == 1
    channel = Kept()
    assert send_due(db, channel, "http://desk", MASTER) == 1
    ((message),) = channel.got
    assert message.address == f"+44{MIA}"
    assert not message.answers
    assert "charge from Sat" in message.text


def test_a_rota_without_holes_says_nothing_and_a_damaged_one_keeps_no_other_from_being_looked_at(db: Db) -> None:
    with_rota(db)
    db.execute("INSERT INTO care_team (team, name, channels, rota) VALUES (1, 'South', '{}', 1)")
    db.execute("INSERT INTO rota (team, version, source, by_person) VALUES (1, 1, 'zone =', 9)")
    HoleWatch().look(db)
    assert scalar(db, "SELECT count(*) FROM notification") == 0
    set_rota(db, TEAM, weekdays_only(), MIA)
    HoleWatch().look(db)
    assert scalar(db, "SELECT count(*) FROM notification") == 1
