"""The alarms' timer."""

from __future__ import annotations

import threading
import time

import psycopg
import pytest

from alerts.database import scalar
from alerts.fold.fold import apply, tick
from alerts.life.events import Acknowledge
from alerts.notify.due import AT_ONCE, EpisodeTimer
from streams.engine.condition import Priority
from tests.alerts.conftest import Db
from tests.alerts.fold.test_fold import condition, fold
from tests.alerts.notify.test_outbox import now, team

__all__ = ["now", "team"]


def test_time_repeats_returns_and_closes_what_is_due_and_nothing_else(db: Db, team: None, now: int) -> None:
    fold(db, condition(second=now - 100), condition(subject=6, second=now + 100), condition(subject=7, second=now - 4000))
    fold(db, condition(subject=8, priority=Priority.MEDIUM, second=now - 900))
    fold(db, condition("end", priority=Priority.MEDIUM, subject=8, second=now - 400))
    acknowledged = scalar(db, "SELECT alarm FROM alarm WHERE subject = 7")
    with db.transaction():
        apply(db, acknowledged, Acknowledge(1, (now - 3900) * 1000))
    assert EpisodeTimer().tick_due(db) == 3  # 5 repeats, 7 comes back without an outcome, 8 leaves the list
    assert EpisodeTimer().tick_due(db) == 0
    found = "SELECT a.subject, life, step FROM alarm a JOIN episode USING (episode) ORDER BY a.subject"
    assert db.execute(found).fetchall() == [
        (5, "unacknowledged", 2), (6, "unacknowledged", 1), (7, "unacknowledged", 2), (8, "closed", 1),
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
    EpisodeTimer().tick_due(db)
    assert db.execute("SELECT subject, step FROM episode ORDER BY subject").fetchall() == [(5, 2), (6, 2)]


@pytest.mark.parametrize(
    "damage", ["called = '[1]'", "called = '{\"priority\": 9}'", "called_at = 'infinity'", "taken = '7'"]
)
def test_a_damaged_episode_still_calls_and_keeps_no_other_from_it(db: Db, team: None, now: int, damage: str) -> None:
    fold(db, condition(second=now - 100), condition(subject=6, second=now - 100))
    db.execute(f"UPDATE episode SET {damage} WHERE subject = 5".encode())
    EpisodeTimer().tick_due(db)
    assert db.execute("SELECT subject, step FROM episode ORDER BY subject").fetchall() == [(5, 2), (6, 2)]


def test_two_notifiers_make_one_call_of_one_due_moment(db: Db, team: None, schema: str, now: int) -> None:
    fold(db, condition(second=now - 100))
    with psycopg.connect(schema) as one:
        tick(one, scalar(db, "SELECT episode FROM episode"), now * 1000)
        other = threading.Thread(target=tick_in_a_session, args=(schema,))
        other.start()
        time.sleep(0.2)
        one.commit()
    other.join(10)
    assert db.execute("SELECT step FROM episode").fetchone() == (2,)


def test_an_episode_that_somebody_holds_costs_no_other_its_turn(db: Db, team: None, schema: str, now: int) -> None:
    fold(db, condition(second=now - 300), condition(subject=6, second=now - 100), condition(subject=7, second=now - 90))
    first, second, third = (one for (one,) in db.execute("SELECT episode FROM episode ORDER BY subject").fetchall())
    step = "SELECT step FROM episode WHERE episode = %s"
    before = scalar(db, step, [first])
    timer = EpisodeTimer()
    with psycopg.connect(schema) as stopped:
        stopped.execute("SELECT FROM episode WHERE episode = %s FOR UPDATE", [first])  # most overdue
        stopped.execute("SELECT FROM alarm WHERE episode = %s FOR UPDATE", [second])
        began = time.monotonic()
        assert timer.tick_due(db) == 1
        assert time.monotonic() - began < 2
        assert scalar(db, step, [third]) == before + 1
        assert timer.tick_due(db) == 0, "who cannot be ticked waits: no loop without a pause"
    assert timer.tick_due(db) >= 1
    assert scalar(db, step, [first]) == before + 1


def test_episodes_that_fail_by_hundreds_leave_the_others_their_turn(
    db: Db, team: None, now: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    fold(db, *(condition(subject=1000 + n, second=now - 300) for n in range(AT_ONCE)), condition(second=now - 100))
    last = scalar(db, "SELECT episode FROM episode WHERE subject = 5")

    def fails(tx: Db, episode: int, at: int) -> None:
        if episode != last:
            raise ArithmeticError
        tick(tx, episode, at)

    monkeypatch.setattr("alerts.notify.due.tick", fails)
    timer = EpisodeTimer()
    assert timer.tick_due(db) == 0
    assert timer.tick_due(db) == 1


def tick_in_a_session(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as session:
        EpisodeTimer().tick_due(session)
