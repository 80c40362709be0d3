"""The alarms' timer."""

from __future__ import annotations

import threading
import time

import psycopg
import pytest

from alerts.database import scalar
from alerts.fold.alarm_rows import lock_one
from alerts.fold.fold import apply
from alerts.life.events import Acknowledge, Tick
from alerts.notify.due import AT_ONCE, AlarmTimer
from streams.engine.condition import Priority
from tests.alerts.conftest import Db
from tests.alerts.fold.test_fold import condition, fold, open_alarms
from tests.alerts.notify.test_outbox import now, team

__all__ = ["now", "team"]


def test_time_repeats_returns_and_closes_what_is_due_and_nothing_else(db: Db, team: None, now: int) -> None:
    fold(db, condition(second=now - 100), condition(subject=6, second=now + 100), condition(subject=7, second=now - 4000))
    fold(db, condition(subject=8, priority=Priority.MEDIUM, second=now - 900))
    fold(db, condition("end", priority=Priority.MEDIUM, subject=8, second=now - 400))
    acknowledged = scalar(db, "SELECT alarm FROM alarm WHERE subject = 7")
    with db.transaction():
        apply(db, acknowledged, Acknowledge(1, (now - 3900) * 1000))
    assert AlarmTimer().tick_due(db) == 3
    assert AlarmTimer().tick_due(db) == 0
    assert db.execute("SELECT subject, life, step FROM alarm ORDER BY subject").fetchall() == [
        (5, "unacknowledged", 1), (6, "unacknowledged", 0), (7, "unacknowledged", 1), (8, "closed", 0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "damage",
    [
        "priority = -7",
        "worst = 77",
        "detail = '[1]'",
        "onset = 'infinity'",
        "vital = 99",
        "value = 'NaN'",
        "due = 'infinity'",
        "due = '4000-01-01'",
        "due = '-infinity'",
    ],
)
def test_a_damaged_alarm_still_calls_and_keeps_no_other_from_it(db: Db, team: None, now: int, damage: str) -> None:
    fold(db, condition(second=now - 100), condition(subject=6, second=now - 100))
    db.execute(f"UPDATE alarm SET {damage} WHERE subject = 5".encode())
    AlarmTimer().tick_due(db)
    assert db.execute("SELECT subject, step FROM alarm ORDER BY subject").fetchall() == [(5, 1), (6, 1)]


def test_two_notifiers_make_one_call_of_one_due_moment(db: Db, team: None, schema: str, now: int) -> None:
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


def test_an_alarm_that_somebody_holds_costs_no_other_its_turn(db: Db, team: None, schema: str, now: int) -> None:
    fold(db, condition(second=now - 300), condition(subject=6, second=now - 100), condition(subject=7, second=now - 90))
    first, second, third = open_alarms(db)
    timer = AlarmTimer()
    with psycopg.connect(schema) as stopped:
        lock_one(stopped, first)  # most overdue
        stopped.execute("SELECT FROM notification WHERE alarm = %s FOR UPDATE", [second])
        db.execute("UPDATE alarm SET life = 'acknowledged', owner = 1 WHERE alarm = %s", [second])
        db.execute("UPDATE alarm SET step = -1 WHERE alarm = %s", [third])
        began = time.monotonic()
        assert timer.tick_due(db) >= 1
        assert time.monotonic() - began < 2
        assert scalar(db, "SELECT step FROM alarm WHERE alarm = %s", [third]) == 0
        assert timer.tick_due(db) == 0, "who cannot be ticked waits: no loop without a pause"
    assert timer.tick_due(db) >= 1
    assert scalar(db, "SELECT step FROM alarm WHERE alarm = %s", [first]) == 1


def test_alarms_that_fail_by_hundreds_leave_the_others_their_turn(
    db: Db, team: None, now: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    fold(db, *(condition(subject=6, source=n, second=now - 300) for n in range(AT_ONCE)), condition(second=now - 100))
    last = scalar(db, "SELECT alarm FROM alarm WHERE subject = 5")

    def fails(tx: Db, alarm: int, event: Tick) -> None:
        if alarm != last:
            raise ArithmeticError
        apply(tx, alarm, event)

    monkeypatch.setattr("alerts.notify.due.apply", fails)
    timer = AlarmTimer()
    assert timer.tick_due(db) == 0
    assert timer.tick_due(db) == 1


def tick_in_a_session(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as session:
        AlarmTimer().tick_due(session)
