"""The outbox of notifications: every one is sent until a receipt is stored or somebody has acted."""

from __future__ import annotations

import threading
import time
from typing import Any

import psycopg
import pytest
from structlog.testing import capture_logs

from alerts.database import scalar
from alerts.fold.fold import apply
from alerts.life.events import Acknowledge
from alerts.notify.channel import Channel, Message
from alerts.notify.channels.webhook import WebhookChannel
from alerts.notify.due import EpisodeTimer
from alerts.notify.outbox import AT_ONCE, report_unknown_channels, send_due
from streams.engine.condition import Condition, Priority
from tests.alerts.conftest import Db
from tests.alerts.fold.test_fold import condition, fold, open_alarms
from tests.alerts.notify.conftest import Provider

DESK = "http://desk/"


@pytest.fixture
def now() -> int:
    """The second in which the test begins: a suite may take longer than an alarm's repeat."""
    return int(time.time())


@pytest.fixture
def team(db: Db) -> None:
    db.execute("INSERT INTO care_team (team, name, channels) VALUES (3, 'North', '{webhook}')")
    db.execute("INSERT INTO patient (patient, identity, team) SELECT n, '', 3 FROM generate_series(1, 40) n")


@pytest.fixture
def webhook(provider: Provider) -> WebhookChannel:
    return WebhookChannel(provider.url, 1.0)


def rows(db: Db, columns: str) -> list[tuple[Any, ...]]:
    return db.execute(f"SELECT {columns} FROM notification ORDER BY notification").fetchall()


def try_again_now(db: Db) -> None:
    db.execute("UPDATE notification SET next_try = now() WHERE sent IS NULL")


def test_a_receipt_is_stored_and_it_is_not_sent_again(
    db: Db, team: None, provider: Provider, webhook: WebhookChannel
) -> None:
    fold(db, condition())
    (alarm,) = open_alarms(db)
    assert send_due(db, webhook, DESK) == 1
    assert rows(db, "receipt, sent IS NOT NULL, attempts, error") == [("r-1", True, 1, None)]
    assert provider.got[0]["link"] == f"http://desk/alarms/{alarm}"
    assert send_due(db, webhook, DESK) == 0
    assert len(provider.got) == 1


def test_a_message_that_fails_in_whatever_way_holds_up_no_other(
    db: Db, team: None, provider: Provider, webhook: WebhookChannel
) -> None:
    class Fails:
        name = webhook.name
        personal = False

        def send(self, message: Message) -> str:
            if message.priority is Priority.HIGH:
                raise ZeroDivisionError
            return webhook.send(message)

    fold(db, condition(), condition(subject=6, priority=Priority.MEDIUM), condition(subject=7, priority=Priority.MEDIUM))
    db.execute("UPDATE alarm SET priority = -7 WHERE subject = 7")  # damaged: it calls as high
    with capture_logs() as logs:
        assert send_due(db, Fails(), DESK) == 3
    assert [message["alarm"] for message in provider.got] == [open_alarms(db)[1]]
    assert rows(db, "receipt, error") == [(None, "ZeroDivisionError"), ("r-1", None), (None, "ZeroDivisionError")]
    assert [line["reason"] for line in logs if line["event"] == "a notification failed"] == ["ZeroDivisionError"] * 2
    try_again_now(db)
    assert send_due(db, webhook, DESK) == 2
    assert sorted(str(message["priority"]) for message in provider.got) == ["high", "high", "medium"]


def test_what_a_provider_refuses_is_tried_again_later_and_later(
    db: Db, team: None, provider: Provider, webhook: WebhookChannel
) -> None:
    provider.how = "error"
    fold(db, condition())
    pauses = []
    for _ in range(8):
        assert send_due(db, webhook, DESK) == 1
        assert send_due(db, webhook, DESK) == 0
        pauses.append(scalar(db, "SELECT extract(epoch FROM next_try - now())::float8 FROM notification"))
        try_again_now(db)
    longest = [2, 4, 8, 16, 32, 60, 60, 60]
    assert all(0.75 * most - 0.2 < pause < most + 0.2 for pause, most in zip(pauses, longest, strict=True)), pauses
    assert rows(db, "error, sent") == [("answered 503", None)]
    provider.how = "ok"
    assert send_due(db, webhook, DESK) == 1
    assert rows(db, "error, receipt") == [(None, "r-9")]
    assert {message["key"] for message in provider.got} == {provider.got[0]["key"]}


def test_it_stops_when_somebody_has_acted(db: Db, team: None, provider: Provider, webhook: WebhookChannel, now: int) -> None:
    provider.how = "error"
    fold(db, condition())
    (alarm,) = open_alarms(db)
    send_due(db, webhook, DESK)
    with db.transaction():
        apply(db, alarm, Acknowledge(1, now * 1000))
    try_again_now(db)
    assert send_due(db, webhook, DESK) == 0
    assert len(provider.got) == 1


def test_an_acknowledgement_does_not_wait_for_a_slow_provider(
    db: Db, team: None, provider: Provider, webhook: WebhookChannel, schema: str, now: int
) -> None:
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


def test_an_alarm_acknowledged_after_the_lease_is_not_sent(
    db: Db, team: None, provider: Provider, schema: str, now: int
) -> None:
    """Two are taken in one turn; while the first is being sent the second is acknowledged."""
    fold(db, condition(), condition(subject=6, priority=Priority.MEDIUM))
    second = open_alarms(db)[1]

    class Acting:
        name = "webhook"
        personal = False

        def send(self, message: Message) -> str:
            with psycopg.connect(schema) as nurse:
                apply(nurse, second, Acknowledge(1, now * 1000))
            sent.append(message.alarm)
            return "r"

    sent: list[int] = []
    assert send_due(db, Acting(), DESK) == 2
    assert len(sent) == 1
    assert second not in sent


def test_two_notifiers_share_the_work(db: Db, team: None, provider: Provider, webhook: WebhookChannel, schema: str) -> None:
    fold(db, *[condition(subject=n) for n in range(1, 41)])
    with psycopg.connect(schema, autocommit=True) as a, psycopg.connect(schema, autocommit=True) as b:
        threads = [threading.Thread(target=drain, args=(session, webhook)) for session in (a, b)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert len(provider.got) == len({message["alarm"] for message in provider.got}) == 40
    assert db.execute("SELECT count(*) FROM notification WHERE receipt IS NULL").fetchone() == (0,)


def drain(session: Db, channel: Channel) -> None:
    while send_due(session, channel, DESK):
        pass


def test_one_that_died_while_sending_is_followed_by_another(
    db: Db, team: None, provider: Provider, webhook: WebhookChannel
) -> None:
    class Dying:
        name = "webhook"
        personal = False

        def send(self, message: Message) -> str:
            raise KeyboardInterrupt

    fold(db, condition())
    with pytest.raises(KeyboardInterrupt):
        send_due(db, Dying(), DESK)
    assert send_due(db, webhook, DESK) == 0  # leased
    try_again_now(db)  # the lease runs out
    assert send_due(db, webhook, DESK) == 1
    assert rows(db, "receipt") == [("r-1",)]


def test_the_urgent_goes_first(db: Db, team: None, provider: Provider, webhook: WebhookChannel) -> None:
    fold(db, *[condition(subject=n, priority=Priority.MEDIUM) for n in range(1, AT_ONCE + 5)])
    fold(db, condition(subject=39))
    send_due(db, webhook, DESK)
    assert provider.got[0]["priority"] == "high"


def test_a_later_call_takes_the_place_of_one_that_was_never_sent(
    db: Db, team: None, provider: Provider, webhook: WebhookChannel, now: int
) -> None:
    provider.how = "error"
    fold(db, condition(second=now - 100))
    send_due(db, webhook, DESK)
    assert EpisodeTimer().tick_due(db) == 1
    provider.how = "ok"
    try_again_now(db)
    assert send_due(db, webhook, DESK) == 1
    assert rows(db, "step, sent IS NOT NULL, stopped IS NOT NULL") == [(0, False, True), (1, True, False)]


def test_a_gateways_patients_are_one_message_and_the_rows_stay(
    db: Db, team: None, provider: Provider, webhook: WebhookChannel
) -> None:
    def offline(subject: int) -> Condition:
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


def test_an_unknown_channel_is_reported_in_the_row_and_once_in_the_log(db: Db, team: None) -> None:
    fold(db, condition())
    with capture_logs() as logs:
        report_unknown_channels(db, ["log"])
        report_unknown_channels(db, ["log"])
    assert [entry["channel"] for entry in logs] == ["webhook"]
    assert rows(db, "error, sent") == [("no such channel is configured", None)]
