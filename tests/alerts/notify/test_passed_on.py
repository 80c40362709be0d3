"""What a person's channel does not take: their next channel at once, then the next step."""

from __future__ import annotations

import pytest

from alerts.care.contacts import add_contact
from alerts.database import scalar
from alerts.errors import ChannelError
from alerts.notify.channel import Message
from alerts.notify.escalate import Escalator
from alerts.notify.outbox import send_due
from tests.alerts.conftest import Db
from tests.alerts.notify.test_escalate import begin, people
from tests.alerts.notify.test_holes import Kept
from tests.alerts.notify.test_outbox import now
from tests.alerts.rota.ward import ANN, CEM, DEE, MASTER, with_rota

__all__ = ["now"]


class Fails(Kept):
    def send(self, message: Message) -> str:
        raise ChannelError(self.name, "answered 500")


class Mail(Kept):
    name = "mail"


def test_the_next_channel_of_the_person_is_used_at_once(db: Db, now: int) -> None:
    with_rota(db)
    with db.transaction():
        add_contact(db, MASTER, ANN, "mail", "ann@example.org", after_s=600)
    begin(db, now)
    mail = Mail()
    assert send_due(db, mail, "http://desk", MASTER) == 0
    assert send_due(db, Fails(), "http://desk", MASTER) == 1
    assert send_due(db, mail, "http://desk", MASTER) == 1
    assert [message.address for message in mail.got] == ["ann@example.org"]
    assert scalar(db, "SELECT due > clock_timestamp() FROM escalation"), "she was reached, and has her time"


def test_where_no_channel_is_left_the_next_step_is_called_at_once(db: Db, now: int) -> None:
    with_rota(db)
    begin(db, now)
    assert send_due(db, Fails(), "http://desk", MASTER) == 1
    assert Escalator().escalate_due(db) == 1
    assert people(db) == [(f"person:{ANN}", 0), (f"person:{CEM}", 1)]


def test_what_an_earlier_step_has_still_to_send_keeps_no_later_one_back(db: Db, now: int) -> None:
    with_rota(db)
    with db.transaction():
        add_contact(db, MASTER, ANN, "mail", "ann@example.org", after_s=600)
    begin(db, now)
    assert send_due(db, Kept(), "http://desk", MASTER) == 1
    db.execute("UPDATE escalation SET due = clock_timestamp()")
    assert Escalator().escalate_due(db) == 1
    assert send_due(db, Fails(), "http://desk", MASTER) == 1
    assert Escalator().escalate_due(db) == 1
    assert [who for who, _ in people(db)][-2:] == [f"person:{CEM}", f"person:{DEE}"]


@pytest.mark.parametrize("answers", [True, False])
def test_a_link_lets_the_person_answer_where_the_key_is_there(db: Db, now: int, answers: bool) -> None:
    with_rota(db)
    begin(db, now)
    channel = Kept()
    send_due(db, channel, "http://desk", MASTER if answers else b"")
    (message,) = channel.got
    assert message.answers == answers
    assert message.link.startswith("http://desk/call/" if answers else "http://desk/alarms/")
    assert message.address == (f"+44{ANN}" if answers else "")
