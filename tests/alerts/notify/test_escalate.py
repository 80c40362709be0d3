"""Escalation in the database: who is called when, once each, whoever is killed or acts meanwhile."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from alerts.care.contacts import add_contact
from alerts.care.rotas import override
from alerts.database import scalar, to_datetime
from alerts.fold.fold import apply, tick
from alerts.life.events import Acknowledge
from alerts.notify.escalate import Books, Escalator, escalate
from alerts.rota.rota import Duty
from streams.engine.condition import Priority
from tests.alerts.conftest import Db
from tests.alerts.fold.test_fold import condition, fold
from tests.alerts.notify.test_outbox import now
from tests.alerts.rota.ward import ANN, BEN, CEM, DEE, FILE, MASTER, MIA, TEAM, staff, with_rota

__all__ = ["now"]
MINUTE = 60


def people(db: Db) -> list[tuple[str, int]]:
    """(recipient, call number) of every message about an alarm, in the order in which they were made."""
    return db.execute(
        "SELECT recipient, step FROM notification WHERE alarm IS NOT NULL AND channel <> 'rota' ORDER BY notification"
    ).fetchall()


def at(db: Db, second: int) -> None:
    """What the notifier does at a second: the episode's timer, then the escalation."""
    episodes = [one for (one,) in db.execute("SELECT episode FROM episode WHERE closed IS NULL ORDER BY 1").fetchall()]
    for episode in episodes:
        with db.transaction():
            tick(db, episode, second * 1000)
        with db.transaction():
            escalate(db, episode, second * 1000)


def begin(db: Db, now: int, **more: Any) -> int:
    fold(db, condition(second=now, **more))
    at(db, now)
    return int(scalar(db, "SELECT max(alarm) FROM alarm"))


def test_an_unanswered_high_goes_from_step_to_step_and_round_again(db: Db, now: int) -> None:
    with_rota(db)
    begin(db, now)
    assert people(db) == [("person:1", 0)]
    for second in range(now, now + 12 * MINUTE + 1, 5):
        at(db, second)
    who = [int(recipient.removeprefix("person:")) for recipient, _ in people(db)]
    assert who == [ANN, ANN, *[CEM] * 3, *[DEE] * 5, ANN, ANN, CEM], "each minute one call, to whom has the time"
    assert [number for _, number in people(db)] == list(range(13))


def test_acting_ends_it_and_a_return_begins_with_the_first_step(db: Db, now: int) -> None:
    with_rota(db)
    alarm = begin(db, now)
    at(db, now + 2 * MINUTE)
    assert people(db)[-1] == (f"person:{CEM}", 1)
    with db.transaction():
        apply(db, alarm, Acknowledge(CEM, (now + 130) * 1000))
    assert scalar(db, "SELECT count(*) FROM escalation") == 0
    assert scalar(db, "SELECT count(*) FROM notification WHERE sent IS NULL AND stopped IS NULL") == 0
    for second in range(now + 130, now + 20 * MINUTE, 30):
        at(db, second)
    assert len(people(db)) == 2
    at(db, now + 130 + 30 * MINUTE)  # nobody recorded an outcome: it comes back
    assert people(db)[-1] == (f"person:{ANN}", 2)


def test_a_repeat_and_the_next_step_at_one_moment_are_one_call_whichever_comes_first(db: Db, now: int) -> None:
    with_rota(db)
    begin(db, now)
    episode = scalar(db, "SELECT episode FROM episode")
    moment = (now + 2 * MINUTE) * 1000
    for first, second in ((escalate, tick), (tick, escalate)):
        with db.transaction() as undone:
            for act in (first, second, first, second):
                act(db, episode, moment)
            assert people(db) == [("person:1", 0), (f"person:{CEM}", 1)]
            raise psycopg.Rollback(undone)


def test_a_hole_is_skipped_at_once_and_the_manager_hears_of_it_once(db: Db, now: int) -> None:
    with_rota(db)
    db.execute("UPDATE person SET disabled = now() WHERE person = %s", [ANN])
    begin(db, now)
    begin(db, now, subject=6)
    assert people(db) == [(f"person:{CEM}", 0)] * 2
    found = db.execute("SELECT recipient, channel, words FROM notification WHERE alarm IS NULL").fetchall()
    ((recipient, channel, words),) = found
    assert (recipient, channel) == (f"person:{MIA}", "sms")
    assert "nurse: ann cannot sign in" in words


def test_where_nobody_is_reached_the_whole_team_is_called_and_the_operators_hear_of_the_hole(db: Db, now: int) -> None:
    with_rota(db)
    db.execute("UPDATE membership SET until = now()")
    db.execute("DELETE FROM person_channel WHERE person = %s", [MIA])
    db.execute("UPDATE person SET disabled = now() WHERE person = %s", [MIA])
    begin(db, now)
    assert people(db) == [("team:3", 0)]
    found = db.execute("SELECT recipient, channel FROM notification WHERE alarm IS NULL ORDER BY channel").fetchall()
    assert found == [("operators", "log"), ("operators", "webhook")]
    at(db, now + MINUTE)
    assert people(db) == [("team:3", 0), ("team:3", 1)]


def test_a_rota_that_cannot_be_read_calls_the_whole_team(db: Db, now: int) -> None:
    with_rota(db)
    db.execute("UPDATE rota SET source = 'zone = '")
    begin(db, now)
    assert people(db) == [("team:3", 0)]


def test_whatever_fails_calls_the_whole_team_and_costs_no_other_its_turn(
    db: Db, now: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_rota(db)
    fold(db, condition(second=now), condition(subject=6, second=now))
    broken = scalar(db, "SELECT episode FROM episode WHERE subject = 5")

    def fails(tx: Db, episode: int, moment: int, books: Books) -> None:
        if episode == broken:
            raise ZeroDivisionError
        escalate(tx, episode, moment, books)

    monkeypatch.setattr("alerts.notify.escalate.escalate", fails)
    assert Escalator().escalate_due(db) == 1
    assert sorted(people(db)) == [(f"person:{ANN}", 0), ("team:3", 0)]


def test_teams_without_a_rota_and_priorities_without_steps_are_called_as_before(db: Db, now: int) -> None:
    staff(db)
    begin(db, now)
    assert people(db) == [("team:3", 0)]
    assert scalar(db, "SELECT count(*) FROM escalation") == 0


def test_a_priority_without_steps_calls_the_whole_team(db: Db, now: int) -> None:
    with_rota(db)
    begin(db, now, priority=Priority.MEDIUM)
    assert people(db) == [("team:3", 0)]


def test_who_takes_over_by_an_override_is_called_from_then_on(db: Db, now: int) -> None:
    with_rota(db)
    with db.transaction():
        override(db, TEAM, Duty("nurse", "ben", to_datetime((now + 30) * 1000), to_datetime((now + 3600) * 1000)), MIA)
    begin(db, now)
    at(db, now + MINUTE)
    assert people(db) == [(f"person:{ANN}", 0), (f"person:{BEN}", 1)]


def test_a_persons_channels_come_one_after_the_other_and_quiet_hours_hold_no_high(db: Db, now: int) -> None:
    with_rota(db)
    with db.transaction():
        add_contact(db, MASTER, ANN, "mail", "ann@example.org", after_s=90)
    db.execute("UPDATE person_channel SET quiet_since = '00:00', quiet_until = '23:59:59' WHERE channel = 'sms'")
    begin(db, now)
    assert db.execute("SELECT channel, extract(epoch FROM due)::int8 - %s FROM notification", [now]).fetchall() == [
        ("sms", 0),
        ("mail", 90),
    ]
    at(db, now + MINUTE)
    found = "SELECT channel, extract(epoch FROM due)::int8 - %s FROM notification WHERE step = 1"
    assert db.execute(found, [now]).fetchall() == [("sms", 0), ("mail", 90)], "a repeat does not put the second one off"


def test_quiet_hours_hold_a_medium_and_wake_nobody_else(db: Db, now: int) -> None:
    with_rota(db, FILE + '\n[[escalation.medium]]\ncall = ["nurse"]\nwait_min = 30\n')
    db.execute(
        "UPDATE person_channel SET quiet_since = (%(at)s - interval '1 hour')::time,"
        " quiet_until = (%(at)s + interval '2 hours')::time",
        {"at": to_datetime(now * 1000).astimezone(ZoneInfo("Europe/Berlin")).replace(tzinfo=None)},
    )
    begin(db, now, priority=Priority.MEDIUM)
    at(db, now + 5 * MINUTE)
    assert people(db) == [(f"person:{ANN}", 0), (f"person:{ANN}", 1)]
    waits = "SELECT round(extract(epoch FROM due) - %s)::int8 FROM notification"
    assert {seconds for (seconds,) in db.execute(waits, [now]).fetchall()} == {7200}


def test_a_latched_high_goes_through_the_policy_once(db: Db, now: int) -> None:
    with_rota(db)
    begin(db, now)
    fold(db, condition("end", second=now + 20))
    for second in range(now + 20, now + 30 * MINUTE, 20):
        at(db, second)
    assert [who for who, _ in people(db)] == [f"person:{one}" for one in (ANN, CEM, DEE)]


def test_what_is_latched_beside_something_that_somebody_has_calls_nobody_unless_it_is_worse(db: Db, now: int) -> None:
    with_rota(db)
    alarm = begin(db, now)
    fold(db, condition(source=8, second=now + 10))
    with db.transaction():
        apply(db, alarm, Acknowledge(ANN, (now + 20) * 1000))
    fold(db, condition("end", source=8, second=now + 30))
    assert scalar(db, "SELECT count(*) FROM alarm WHERE life = 'unacknowledged' AND NOT active") == 1
    before = len(people(db))
    for second in range(now + 30, now + 15 * MINUTE, 30):
        at(db, second)
    assert len(people(db)) == before


@pytest.mark.parametrize(
    "damage", ["priority = 9", "since = 'infinity'", "due = '4000-01-01'", "people = '{NULL}'", "step = 77"]
)
def test_a_damaged_escalation_still_calls(db: Db, now: int, damage: str) -> None:
    with_rota(db)
    begin(db, now)
    db.execute(f"UPDATE escalation SET {damage}".encode())
    at(db, now + MINUTE)
    assert len(people(db)) == 2


def test_a_closed_episode_with_a_call_that_waits_still_tells_the_team(db: Db, now: int) -> None:
    with_rota(db)
    fold(db, condition(second=now))
    db.execute("UPDATE episode SET closed = now()")
    assert Escalator().escalate_due(db) == 1
    assert people(db) == [("team:3", 0)]
    assert Escalator().escalate_due(db) == 0


def _run_until_killed(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as db:
        escalator = Escalator()
        while True:
            escalator.escalate_due(db)


def test_a_notifier_that_is_killed_again_and_again_loses_and_doubles_no_step(db: Db, schema: str, now: int) -> None:
    with_rota(db, FILE.replace("wait_min = 2", "wait_min = 1").replace("wait_min = 3", "wait_min = 1"))
    fork = multiprocessing.get_context("fork")
    fold(db, *(condition(subject=n, second=now) for n in range(1, 41)))
    deadline = time.monotonic() + 60
    for step, who in enumerate((ANN, CEM, DEE)):
        want = 40 * (step + 1)
        for kill_after_s in (0.01, 0.03, 0.05, None):
            process = fork.Process(target=_run_until_killed, args=(schema,))
            process.start()
            if kill_after_s is not None:
                time.sleep(kill_after_s)
            while kill_after_s is None and len(people(db)) < want:
                assert time.monotonic() < deadline
                time.sleep(0.02)
            assert process.pid
            os.kill(process.pid, signal.SIGKILL)
            process.join()
        found = db.execute("SELECT recipient, count(*) FROM notification WHERE step = %s GROUP BY 1", [step]).fetchall()
        assert found == [(f"person:{who}", 40)]
        db.execute("UPDATE escalation SET due = now()")


def test_two_notifiers_make_each_step_once(db: Db, schema: str, now: int) -> None:
    with_rota(db)
    fold(db, *(condition(subject=n, second=now) for n in range(1, 41)))

    def run() -> None:
        with psycopg.connect(schema, autocommit=True) as session:
            escalator = Escalator()
            for _ in range(5):
                escalator.escalate_due(session)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert db.execute("SELECT count(*), count(DISTINCT episode) FROM notification").fetchone() == (40, 40)
