"""A storm of alarms: in order of priority, once each, and a few messages for the person on duty."""

from __future__ import annotations

import time

import pytest

from alerts.database import scalar
from alerts.notify.channel import Message
from alerts.notify.escalate import AT_ONCE, Escalator
from alerts.notify.outbox import send_due
from streams.engine.condition import Priority
from tests.alerts.conftest import Db
from tests.alerts.fold.test_fold import condition, fold
from tests.alerts.notify.test_holes import Kept
from tests.alerts.notify.test_outbox import now
from tests.alerts.rota.ward import FILE, MASTER, with_rota

__all__ = ["now"]
BOTH = FILE + '\n[[escalation.medium]]\ncall = ["nurse"]\nwait_min = 30\n'


def storm(db: Db, now: int, patients: int) -> list[Message]:
    """The first half is medium, the second high; what the person on duty gets until nothing waits."""
    with_rota(db, BOTH)
    db.execute("INSERT INTO patient (patient, identity, team) SELECT n, '', 3 FROM generate_series(41, %s) n", [patients])
    half = patients // 2
    fold(db, *(condition(subject=n, second=now, priority=Priority.MEDIUM) for n in range(1, half + 1)))
    fold(db, *(condition(subject=n, second=now) for n in range(half + 1, patients + 1)))
    channel, escalator = Kept(), Escalator()
    while escalator.escalate_due(db) + send_due(db, channel, "http://desk", MASTER):
        pass
    return channel.got


@pytest.mark.parametrize("patients", [300, pytest.param(10_000, marks=pytest.mark.full)])
def test_a_storm_goes_out_by_priority_once_each_and_floods_nobody(db: Db, now: int, patients: int) -> None:
    began = time.monotonic()
    got = storm(db, now, patients)
    print(f"{patients} alarms: {len(got)} messages in {time.monotonic() - began:.1f} s")
    unsent = scalar(db, "SELECT count(*) FROM notification WHERE sent IS NULL OR receipt IS NULL")
    assert (unsent, scalar(db, "SELECT count(DISTINCT episode) FROM notification")) == (0, patients)
    assert scalar(db, "SELECT count(*) FROM notification") == patients
    assert [message.priority for message in got] == sorted((message.priority for message in got), reverse=True)
    assert len(got) <= 4
    assert got[0].count == AT_ONCE, "the first pass of the escalation"
    assert f"{AT_ONCE} patients need you, the most urgent with a high alarm" in got[0].text
    assert not got[0].answers


def test_a_few_messages_stay_messages_of_their_own(db: Db, now: int) -> None:
    with_rota(db)
    fold(db, *(condition(subject=n, second=now) for n in range(1, 4)))
    channel = Kept()
    Escalator().escalate_due(db)
    send_due(db, channel, "http://desk", MASTER)
    assert [(message.count, message.answers) for message in channel.got] == [(1, True)] * 3


def test_what_is_more_urgent_than_the_last_message_for_many_is_told_at_once(db: Db, now: int) -> None:
    with_rota(db, BOTH)
    channel = Kept()
    for priority, first in ((Priority.MEDIUM, 1), (Priority.MEDIUM, 11), (Priority.HIGH, 21)):
        fold(db, *(condition(subject=n, second=now, priority=priority) for n in range(first, first + 6)))
        Escalator().escalate_due(db)
        send_due(db, channel, "http://desk", MASTER)
    assert [(message.priority, message.count) for message in channel.got] == [(Priority.MEDIUM, 6), (Priority.HIGH, 6)]
    assert scalar(db, "SELECT count(*) FROM notification WHERE sent IS NULL") == 0
