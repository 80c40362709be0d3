"""The outbox of notifications: every one is sent until a receipt is stored or somebody has acted."""

from __future__ import annotations

import threading
import time

import psycopg
import pytest
from structlog.testing import capture_logs

from alerts.fold.fold import apply
from alerts.life.events import Acknowledge, Tick
from alerts.notify.channels.log import LogChannel
from alerts.notify.channels.webhook import WebhookChannel
from alerts.notify.due import tick_due
from alerts.notify.outbox import AT_ONCE, report_unknown_channels, send_due
from streams.engine.condition import Priority
from tests.alerts.fold.test_fold import condition, fold, open_alarms

DESK = "http://desk/"


@pytest.fixture
def now():
    """The second in which the test begins: a suite may take longer than an alarm's repeat."""
    return int(time.time())


@pytest.fixture
def team(db):
    db.execute("INSERT INTO care_team (team, name, channels) VALUES (3, 'North', '{webhook}')")
    db.execute("INSERT INTO patient (patient, identity, team) SELECT n, '', 3 FROM generate_series(1, 40) n")


@pytest.fixture
def webhook(provider):
    return WebhookChannel(provider.url, 1.0)


def rows(db, columns):
    return db.execute(f"SELECT {columns} FROM notification ORDER BY notification").fetchall()


def try_again_now(db):
    db.execute("UPDATE notification SET next_try = now() WHERE sent IS NULL")


def test_a_receipt_is_stored_and_it_is_not_sent_again(db, team, provider, webhook):
    fold(db, condition())
    (alarm,) = open_alarms(db)
    assert send_due(db, webhook, DESK) == 1
    assert rows(db, "receipt, sent IS NOT NULL, attempts, error") == [("r-1", True, 1, None)]
    assert provider.got[0]["link"] == f"http://desk/alarms/{alarm}"
    assert send_due(db, webhook, DESK) == 0
    assert len(provider.got) == 1


def test_what_a_provider_refuses_is_tried_again_later_and_later(db, team, provider, webhook):
    provider.how = "error"
    fold(db, condition())
    pauses = []
    for _ in range(8):
        assert send_due(db, webhook, DESK) == 1
        assert send_due(db, webhook, DESK) == 0
        pauses.append(db.execute("SELECT extract(epoch FROM next_try - now())::float8 FROM notification").fetchone()[0])
        try_again_now(db)
    assert pauses == pytest.approx([2, 4, 8, 16, 32, 60, 60, 60], abs=0.9)
    assert rows(db, "error, sent") == [("answered 503", None)]
    provider.how = "ok"
    assert send_due(db, webhook, DESK) == 1
    assert rows(db, "error, receipt") == [(None, "r-9")]
    assert {message["key"] for message in provider.got} == {provider.got[0]["key"]}


def test_it_stops_when_somebody_has_acted(db, team, provider, webhook, now):
    provider.how = "error"
    fold(db, condition())
    (alarm,) = open_alarms(db)
    send_due(db, webhook, DESK)
    with db.transaction():
        apply(db, alarm, Acknowledge(1, now * 1000))
    try_again_now(db)
    assert send_due(db, webhook, DESK) == 0
    assert len(provider.got) == 1


def test_an_acknowledgement_does_not_wait_for_a_slow_provider(db, team, provider, webhook, schema, now):
    provider.how = "slow"
    fold(db, condition())
    (alarm,) = open_alarms(db)
    with psycopg.connect(schema, autocommit=True) as other:
        sending = threading.Thread(target=send_due, args=(other, webhook, DESK))
        sending.start()
        while not provider.got:
            time.sleep(0.01)
        began = time.monotonic()
        with db.transaction():
            apply(db, alarm, Acknowledge(1, now * 1000))
        assert time.monotonic() - began < 0.5
        sending.join(10)
    assert rows(db, "stopped IS NOT NULL, sent") == [(True, None)]


def test_what_somebody_acts_on_after_it_was_taken_is_not_sent(db, team, provider, schema, now):
    """Two are taken in one turn; while the first is being sent the second is acknowledged."""
    fold(db, condition(), condition(subject=6, priority=Priority.MEDIUM))
    second = open_alarms(db)[1]

    class Acting:
        name = "webhook"

        def send(self, message):
            with psycopg.connect(schema) as nurse:
                apply(nurse, second, Acknowledge(1, now * 1000))
            sent.append(message.alarm)
            return "r"

    sent = []
    assert send_due(db, Acting(), DESK) == 2
    assert len(sent) == 1
    assert second not in sent


def test_two_notifiers_share_the_work(db, team, provider, webhook, schema):
    fold(db, *[condition(subject=n) for n in range(1, 41)])
    with psycopg.connect(schema, autocommit=True) as a, psycopg.connect(schema, autocommit=True) as b:
        threads = [threading.Thread(target=drain, args=(session, webhook)) for session in (a, b)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert len(provider.got) == len({message["alarm"] for message in provider.got}) == 40
    assert db.execute("SELECT count(*) FROM notification WHERE receipt IS NULL").fetchone() == (0,)


def drain(session, channel):
    while send_due(session, channel, DESK):
        pass


def test_one_that_died_while_sending_is_followed_by_another(db, team, provider, webhook):
    class Dying:
        name = "webhook"

        def send(self, message):
            raise KeyboardInterrupt

    fold(db, condition())
    with pytest.raises(KeyboardInterrupt):
        send_due(db, Dying(), DESK)
    assert send_due(db, webhook, DESK) == 0  # leased
    try_again_now(db)  # the lease runs out
    assert send_due(db, webhook, DESK) == 1
    assert rows(db, "receipt") == [("r-1",)]


def test_the_urgent_goes_first(db, team, provider, webhook):
    fold(db, *[condition(subject=n, priority=Priority.MEDIUM) for n in range(1, AT_ONCE + 5)])
    fold(db, condition(subject=39))
    send_due(db, webhook, DESK)
    assert provider.got[0]["priority"] == "high"


def test_a_later_call_takes_the_place_of_one_that_was_never_sent(db, team, provider, webhook, now):
    provider.how = "error"
    fold(db, condition(second=now - 100))
    send_due(db, webhook, DESK)
    assert tick_due(db) == 1
    provider.how = "ok"
    try_again_now(db)
    assert send_due(db, webhook, DESK) == 1
    assert rows(db, "step, sent IS NOT NULL, stopped IS NOT NULL") == [(0, False, True), (1, True, False)]


def test_a_gateways_patients_are_one_message_and_the_rows_stay(db, team, provider, webhook):
    def offline(subject):
        return condition(subject=subject, rule="gateway_offline", source=4, priority=Priority.MEDIUM, category="technical")

    fold(db, *[offline(n) for n in (5, 6, 7)])
    assert send_due(db, webhook, DESK) == 0  # more of them may come
    try_again_now(db)
    assert send_due(db, webhook, DESK) == 3
    assert [message["count"] for message in provider.got] == [3]
    fold(db, offline(8))
    try_again_now(db)
    assert send_due(db, webhook, DESK) == 1
    assert len(provider.got) == 1
    assert rows(db, "receipt") == [("r-1",)] * 4
    assert len(open_alarms(db)) == 4


def test_a_channel_nobody_serves_is_said_in_the_row_and_once_in_the_log(db, team):
    fold(db, condition())
    with capture_logs() as logs:
        report_unknown_channels(db, ["log"])
        report_unknown_channels(db, ["log"])
    assert [entry["channel"] for entry in logs] == ["webhook"]
    assert rows(db, "error, sent") == [("no such channel is configured", None)]


def test_the_log_says_which_alarm_and_nothing_of_the_patient(db, team):
    db.execute("UPDATE care_team SET channels = '{log}'")
    fold(db, condition())
    with capture_logs() as logs:
        assert send_due(db, LogChannel(), DESK) == 1
    (entry,) = [entry for entry in logs if entry["event"] == "notification"]
    assert set(entry) == {"event", "log_level", "recipient", "alarm", "priority", "category", "step", "count", "text"}
    assert "A patient's values need you: open the link" in entry["text"]


def test_time_repeats_returns_and_closes_what_is_due_and_nothing_else(db, team, now):
    fold(db, condition(second=now - 100), condition(subject=6, second=now + 100), condition(subject=7, second=now - 4000))
    fold(db, condition(subject=8, priority=Priority.MEDIUM, second=now - 900))
    fold(db, condition("end", priority=Priority.MEDIUM, subject=8, second=now - 400))
    acknowledged = db.execute("SELECT alarm FROM alarm WHERE subject = 7").fetchone()[0]
    with db.transaction():
        apply(db, acknowledged, Acknowledge(1, (now - 3900) * 1000))
    assert tick_due(db) == 3
    assert tick_due(db) == 0
    assert db.execute("SELECT subject, life, step FROM alarm ORDER BY subject").fetchall() == [
        (5, "unacknowledged", 1), (6, "unacknowledged", 0), (7, "unacknowledged", 1), (8, "closed", 0),
    ]  # fmt: skip


def test_two_notifiers_make_one_call_of_one_due_moment(db, team, schema, now):
    fold(db, condition(second=now - 100))
    (alarm,) = open_alarms(db)
    with psycopg.connect(schema) as one:
        apply(one, alarm, Tick(now * 1000))
        other = threading.Thread(target=tick_in_a_session, args=(schema,))
        other.start()
        time.sleep(0.2)
        one.commit()
    other.join(10)
    assert db.execute("SELECT step FROM alarm").fetchone() == (1,)


def tick_in_a_session(url):
    with psycopg.connect(url, autocommit=True) as session:
        tick_due(session)
