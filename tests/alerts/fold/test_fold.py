"""Conditions, people and time over the stored alarms of a real database."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Any, cast

import numpy as np
import psycopg
import pytest

from alerts.care.channels import register_channels
from alerts.database import now_ms, scalar, to_datetime
from alerts.errors import ConflictError, RefusedError, UnknownAlarmError
from alerts.fold.alarm_rows import lock_one
from alerts.fold.fold import apply, fold_conditions, press, tick
from alerts.life.alarm import Alarm
from alerts.life.events import Acknowledge, Act, RecordOutcome, Shelve
from streams.engine.condition import Condition, Phase, Priority
from tests.alerts.conftest import Db

SECOND = 1_800_000_000
HIGH, MEDIUM = Priority.HIGH, Priority.MEDIUM


def condition(
    phase: Phase = "onset", priority: Priority = HIGH, *, subject: int = 5, rule: str = "spo2.low", source: int = 7,
    second: int = SECOND, **others: Any,
) -> Condition:  # fmt: skip
    return Condition(
        partition=subject % 64, second=second, subject=subject, rule=rule, source=source, phase=phase, priority=priority,
        **{"category": "physiological", "vital": 3, "value": 88.3, "limit": 92.0, "measured": second * 1000 - 431, **others},
    )  # fmt: skip


def fold(db: Db, *conditions: Condition) -> None:
    with db.transaction():
        fold_conditions(db, conditions)


def open_alarms(db: Db) -> list[int]:
    return [row[0] for row in db.execute("SELECT alarm FROM alarm WHERE closed IS NULL ORDER BY alarm")]


def act(db: Db, alarm: int, event: Act, *, expected_version: int | None = None) -> Alarm:
    with db.transaction():
        return apply(db, alarm, event, expected_version=expected_version)


def time_passes(db: Db, alarm: int, second: int) -> None:
    """A tick for the episode of an alarm."""
    with db.transaction():
        tick(db, scalar(db, "SELECT episode FROM alarm WHERE alarm = %s", [alarm]), second * 1000)


def stored(db: Db, alarm: int) -> Alarm:
    with db.transaction():
        found = lock_one(db, alarm)
    assert found is not None
    return found


@pytest.fixture
def team(db: Db) -> None:
    db.execute("INSERT INTO care_team (team, name, channels) VALUES (3, 'North', '{log,webhook}')")
    db.execute("INSERT INTO patient (patient, identity, team) VALUES (5, '', 3), (6, '', 3)")


def test_an_onset_becomes_a_row_an_event_and_a_message_for_each_channel(db: Db, team: None) -> None:
    fold(db, condition(detail={"total": 9}))
    (number,) = open_alarms(db)
    alarm = stored(db, number)
    assert (alarm.subject, alarm.rule, alarm.source, alarm.priority) == (5, "spo2.low", 7, HIGH)
    assert alarm.value == pytest.approx(88.3)
    assert (alarm.limit_value, alarm.vital) == (92.0, 3)
    assert (alarm.onset, alarm.measured, alarm.due) == (SECOND * 1000, SECOND * 1000 - 431, None)
    assert db.execute("SELECT subject, step, due, called FROM episode WHERE episode = %s", [alarm.episode]).fetchall() == [
        (5, 1, to_datetime((SECOND + 60) * 1000), {"priority": 3, "high": ["spo2"], "score": None})
    ]
    assert (alarm.life, alarm.version, alarm.detail) == ("unacknowledged", 1, {"total": 9})
    assert db.execute("SELECT version, kind, actor, at FROM alarm_event").fetchall() == [
        (1, "onset", 0, to_datetime(SECOND * 1000))
    ]
    assert sorted(db.execute("SELECT recipient, channel, step FROM notification")) == [
        ("team:3", "log", 0), ("team:3", "webhook", 0),
    ]  # fmt: skip


def test_values_come_back_from_the_row_as_they_went_in(db: Db) -> None:
    fold(db, condition(), condition("better", MEDIUM, second=SECOND + 3))
    (number,) = open_alarms(db)
    alarm = stored(db, number)
    act(db, number, Shelve(4, alarm.onset, alarm.onset + 60_000, "bath"))
    after = stored(db, number)
    assert (after.priority, after.worst, after.shelf_reason, after.owner) == (MEDIUM, MEDIUM, "bath", 4)
    assert after.shelved_until == after.due == alarm.onset + 60_000


def test_a_whole_round_folds_in_order(db: Db, team: None) -> None:
    fold(
        db,
        condition(priority=MEDIUM),
        condition(subject=6, rule="news2", source=0, vital=None, value=None, limit=None, measured=None),
        condition("worse", second=SECOND + 5),
        condition("end", second=SECOND + 9),
        condition(subject=6, source=8, second=SECOND + 9),
    )
    rows = db.execute("SELECT subject, rule, active, worst, version FROM alarm ORDER BY subject, rule").fetchall()
    assert rows == [(5, "spo2.low", False, 3, 3), (6, "news2", True, 3, 1), (6, "spo2.low", True, 3, 1)]
    kinds = db.execute("SELECT kind FROM alarm_event JOIN alarm USING (alarm) WHERE subject = 5 ORDER BY event").fetchall()
    assert kinds == [("onset",), ("worse",), ("end",)]


def test_the_same_round_twice_leaves_one_alarm(db: Db, team: None) -> None:
    fold(db, condition())
    fold(db, condition())
    assert len(open_alarms(db)) == 1
    assert db.execute("SELECT count(*) FROM alarm_event").fetchone() == (1,)
    assert db.execute("SELECT count(*) FROM notification").fetchone() == (2,)


def test_what_somebody_has_and_what_begins_again_soon_is_the_same_alarm_and_later_another(db: Db) -> None:
    fold(db, condition())
    (first,) = open_alarms(db)
    act(db, first, Acknowledge(1, SECOND * 1000))
    fold(db, condition("end", second=SECOND + 10), condition(second=SECOND + 20), condition("end", second=SECOND + 30))
    assert open_alarms(db) == [first]
    time_passes(db, first, SECOND + 330)
    assert open_alarms(db) == []
    fold(db, condition(second=SECOND + 340))
    (second,) = open_alarms(db)
    assert second != first
    assert db.execute("SELECT episode, closed IS NOT NULL, step FROM episode ORDER BY 1").fetchall() == [
        (stored(db, first).episode, True, 1), (stored(db, second).episode, False, 1),
    ]  # fmt: skip


def test_an_alarm_that_should_have_closed_leaves_its_place_to_the_next_in_one_round(db: Db) -> None:
    fold(db, condition(priority=MEDIUM), condition("end", MEDIUM, second=SECOND + 10))
    fold(db, condition(priority=MEDIUM, second=SECOND + 400))
    again: list[tuple[Phase, int]] = [("end", 401), ("onset", 800), ("end", 801)]
    several: list[tuple[Phase, int]] = [("onset", 0), ("end", 1), ("onset", 400), ("end", 401), ("onset", 800)]
    fold(db, *(condition(phase, MEDIUM, second=SECOND + at) for phase, at in again))
    fold(db, *(condition(phase, MEDIUM, rule="pulse.high", second=SECOND + at) for phase, at in several))
    rows = db.execute("SELECT rule, onsets, closed IS NOT NULL FROM alarm ORDER BY rule, onset").fetchall()
    assert rows == [
        *(("pulse.high", 1, closed) for closed in (True, True, False)),
        *(("spo2.low", 1, closed) for closed in (True, True, False)),
    ]
    assert db.execute("SELECT count(*) FROM episode").fetchone() == (1,)


def test_numbers_of_numpy_and_nan_are_stored_as_numbers_and_null(db: Db) -> None:
    odd = condition(
        value=np.float32(88.25), limit=float("nan"), detail={"total": np.int64(9)}, second=cast("int", np.int64(SECOND))
    )
    fold(db, replace(odd, subject=cast("int", np.int64(5)), measured=cast("int", np.int64(SECOND * 1000))))
    assert db.execute("SELECT subject, value, limit_value, detail FROM alarm").fetchall() == [(5, 88.25, None, {"total": 9})]


def test_a_technical_alarm_of_a_partition_goes_to_the_operators(db: Db, team: None) -> None:
    fold(db, condition(of="partition", subject=9, rule="pipeline_stopped", source=0, vital=None))
    recipients = sorted(db.execute("SELECT recipient, channel FROM notification"))
    assert recipients == [("operators", "log"), ("operators", "webhook")]


def test_without_a_known_team_the_operators_are_notified(db: Db) -> None:
    fold(db, condition(subject=77))
    assert db.execute("SELECT recipient, channel FROM notification").fetchall() == [("operators", "log")]


def test_acting_stops_what_still_waits_to_be_sent(db: Db, team: None) -> None:
    fold(db, condition())
    (number,) = open_alarms(db)
    db.execute("UPDATE notification SET sent = now(), receipt = 'x' WHERE channel = 'log'")
    act(db, number, Acknowledge(1, SECOND * 1000), expected_version=1)
    assert db.execute("SELECT channel, stopped IS NOT NULL FROM notification ORDER BY channel").fetchall() == [
        ("log", False), ("webhook", True),
    ]  # fmt: skip


def test_a_conflict_names_who_was_first(db: Db) -> None:
    fold(db, condition())
    (number,) = open_alarms(db)
    act(db, number, Acknowledge(1, SECOND * 1000), expected_version=1)
    with pytest.raises(ConflictError, match="person 1 was first") as conflict:
        act(db, number, Acknowledge(2, SECOND * 1000 + 5), expected_version=1)
    assert (conflict.value.actor, conflict.value.kind, conflict.value.at) == (1, "acknowledge", to_datetime(SECOND * 1000))
    assert stored(db, number).owner == 1


def test_what_got_worse_meanwhile_must_be_looked_at_before_it_is_acknowledged(db: Db) -> None:
    fold(db, condition(priority=MEDIUM))
    (number,) = open_alarms(db)
    fold(db, condition("worse", second=SECOND + 2))
    with pytest.raises(ConflictError, match="condition was first") as conflict:
        act(db, number, Acknowledge(2, SECOND * 1000), expected_version=1)
    assert (conflict.value.actor, conflict.value.kind) == (0, "worse")


def test_a_repeat_meanwhile_does_not_make_an_acknowledgement_wrong(db: Db, team: None) -> None:
    fold(db, condition())
    (number,) = open_alarms(db)
    time_passes(db, number, SECOND + 60)
    assert db.execute("SELECT count(*), max(step) FROM notification").fetchone() == (4, 1)
    alarm = act(db, number, Acknowledge(2, (SECOND + 61) * 1000), expected_version=1)
    assert (alarm.life, alarm.owner, alarm.version) == ("acknowledged", 2, 2)
    assert db.execute("SELECT DISTINCT stopped IS NOT NULL FROM notification").fetchall() == [(True,)]


def test_one_press_takes_exactly_the_alarms_that_were_on_the_screen(db: Db, team: None) -> None:
    fold(db, condition(priority=MEDIUM), condition(priority=MEDIUM, rule="heart_rate.high", vital=1))
    seen = dict.fromkeys(open_alarms(db), 1)
    fold(db, condition(priority=MEDIUM, rule="systolic.low", vital=5, second=SECOND + 3))
    with db.transaction():
        done = press(db, seen, Acknowledge(1, (SECOND + 4) * 1000))
    assert [(one.alarm, one.owner) for one in done.alarms] == [(number, 1) for number in seen]
    assert done.conflict is None
    lives = db.execute("SELECT life FROM alarm ORDER BY alarm").fetchall()
    assert lives == [("acknowledged",), ("acknowledged",), ("unacknowledged",)]
    assert db.execute("SELECT due FROM episode").fetchall() == [(None,)]  # what joined is not worse: it does not call
    with db.transaction():
        press(db, seen, RecordOutcome(1, (SECOND + 9) * 1000, "called"))
    assert db.execute("SELECT due FROM episode").fetchall() == [(to_datetime((SECOND + 300) * 1000),)]


def test_of_one_press_what_got_worse_meanwhile_is_left_and_named(db: Db, team: None) -> None:
    fold(db, condition(priority=MEDIUM), condition(priority=MEDIUM, rule="heart_rate.high", vital=1))
    seen = dict.fromkeys(open_alarms(db), 1)
    fold(db, condition("worse", second=SECOND + 2))
    with db.transaction():
        done = press(db, seen, Acknowledge(1, (SECOND + 4) * 1000))
    assert [one.rule for one in done.alarms] == ["heart_rate.high"]
    assert done.conflict
    assert done.conflict.kind == "worse"
    assert db.execute("SELECT count(*) FROM notification WHERE step = 1 AND stopped IS NULL").fetchone() == (2,)


def test_a_refused_act_leaves_the_row_alone(db: Db) -> None:
    fold(db, condition())
    (number,) = open_alarms(db)
    with pytest.raises(RefusedError):
        act(db, number, Shelve(1, SECOND * 1000, SECOND * 1000 + 1, ""))
    assert stored(db, number).version == 1
    with pytest.raises(UnknownAlarmError):
        act(db, number + 1, Acknowledge(1, 0))


def test_without_a_change_nothing_is_written_and_no_hint_is_sent(db: Db, schema: str) -> None:
    fold(db, condition())
    (number,) = open_alarms(db)
    with psycopg.connect(schema, autocommit=True) as listener:
        listener.execute("LISTEN vigil_alarm")
        fold(db, condition())
        time_passes(db, number, SECOND)
        assert list(listener.notifies(timeout=0.2)) == []
        fold(db, condition("end", second=SECOND + 1), condition(subject=6))
        assert [hint.payload for hint in listener.notifies(timeout=2, stop_after=1)] == [""]
        assert list(listener.notifies(timeout=0.2)) == []


def test_the_worker_waits_for_a_person_who_is_acting_and_folds_over_what_they_did(db: Db, schema: str) -> None:
    fold(db, condition())
    (number,) = open_alarms(db)
    with psycopg.connect(schema) as desk:
        apply(desk, number, Acknowledge(1, SECOND * 1000))
        worker = threading.Thread(target=fold_in_a_session, args=(schema, condition("end", second=SECOND + 9)))
        worker.start()
        time.sleep(0.3)
        assert worker.is_alive()
        desk.commit()
    worker.join(10)
    alarm = stored(db, number)
    assert (alarm.state, alarm.version, alarm.owner) == ("recovered", 3, 1)


def test_an_alarm_closed_while_the_worker_waited_is_not_reopened_but_followed_by_a_new_one(db: Db, schema: str) -> None:
    fold(db, condition(), condition("end", second=SECOND + 1))
    (number,) = open_alarms(db)
    with psycopg.connect(schema) as desk:
        apply(desk, number, Acknowledge(1, (SECOND + 400) * 1000))  # latched and long over: this closes it
        worker = threading.Thread(target=fold_in_a_session, args=(schema, condition(second=SECOND + 409)))
        worker.start()
        time.sleep(0.3)
        desk.commit()
    worker.join(10)
    (second,) = open_alarms(db)
    assert second != number
    assert stored(db, second).onsets == 1


def fold_in_a_session(url: str, *conditions: Condition) -> None:
    with psycopg.connect(url) as session:
        fold_conditions(session, conditions)


def test_a_gateway_that_serves_many_is_folded_in_few_statements(db: Db) -> None:
    many = [condition(subject=n, rule="gateway_offline", source=4) for n in range(1, 2001)]
    began = time.perf_counter()
    fold(db, *many)
    took = time.perf_counter() - began
    assert db.execute("SELECT count(*) FROM alarm").fetchone() == (2000,)
    assert took < 5
    assert now_ms(db) > 0


def test_a_team_without_a_choice_is_told_by_every_channel_of_the_notifier(db: Db) -> None:
    db.execute("DELETE FROM patient")
    db.execute("DELETE FROM care_team")
    db.execute("INSERT INTO care_team (team, name) VALUES (3, 'North'), (4, 'South')")
    db.execute("UPDATE care_team SET channels = '{log}' WHERE team = 4")
    db.execute("INSERT INTO patient (patient, identity, team) VALUES (7, '', 3), (8, '', 4)")
    query = "SELECT recipient, channel FROM notification JOIN alarm USING (alarm) WHERE subject = %s ORDER BY 1, 2"
    fold(db, condition(subject=7))
    assert db.execute(query, [7]).fetchall() == [("team:3", "log")]  # no notifier has said what it has
    register_channels(db, ["log", "webhook"])
    fold(db, condition(subject=7, rule="heart_rate.high", vital=1), condition(subject=8))
    assert db.execute(query, [7]).fetchall() == [("team:3", "log"), ("team:3", "webhook")]
    assert db.execute(query, [8]).fetchall() == [("team:4", "log")]  # chosen
    fold(db, condition(subject=5, rule="log_damaged", of="partition", category="technical"))
    assert db.execute(query, [5]).fetchall() == [("operators", "log"), ("operators", "webhook")]
