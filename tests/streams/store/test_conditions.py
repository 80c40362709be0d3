"""Conditions whose alarm somebody holds: the round is committed, and they are folded with the next."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import cast

import numpy as np
import psycopg
import pytest

from alerts.fold.fold import fold_conditions
from devices.vitals import Vital
from streams.engine.condition import Condition, Priority
from streams.store.conditions import fold_unless_held
from streams.store.ledger import Held
from streams.store.store import Stored
from tests.alerts.conftest import Db
from tests.streams.engine.opening.test_opening import T
from tests.streams.producing import World
from tests.streams.store.storing import rows, store, take, to_store

HR = Vital.HEART_RATE
VALUE = cast("float", np.float32(88.25))
"""Not a float but numpy's own number: it is stored and compared all the same."""
RAISED = Condition(1, 1, 1, "spo2.low", 0, "onset", Priority.MEDIUM, "physiological", value=VALUE)
WORSE = replace(RAISED, second=2, phase="worse", priority=Priority.HIGH)
ENDED = replace(WORSE, second=3, phase="end")
OTHER = replace(RAISED, partition=2, subject=2)
ALARMS = "SELECT subject, active, priority, closed IS NULL FROM alarm ORDER BY alarm"
WAITING = "SELECT partition, condition ->> 'phase' FROM condition_waiting ORDER BY nth"


@pytest.fixture
def holder(db: Db, database: str) -> Iterator[psycopg.Connection]:
    """A person's session, stopped in the middle of an act."""
    fold_unless_held(db, fold_conditions, [RAISED], [1])
    with psycopg.connect(database) as other:
        other.execute("SELECT FROM episode FOR UPDATE")
        yield other


def round_of(db: Db, world: World, held: Mapping[int, Held], conditions: Sequence[Condition], first: int) -> Stored:
    records = [world.batch(p, [(T + first, {HR: 61.0})]) for p in held]
    return store(db, to_store(world, records, held, first=first, conditions=conditions), fold_conditions)


def test_a_round_waits_a_second_at_most_for_an_alarm_that_somebody_holds_and_folds_it_next(
    db: Db, world: World, holder: psycopg.Connection
) -> None:
    held = take(db, 1, 2)
    began = time.monotonic()
    assert round_of(db, world, held, [WORSE, OTHER], 0).readings == 2
    assert time.monotonic() - began < 2
    assert rows(db, ALARMS) == [(1, True, 2, True), (2, True, 2, True)]
    assert rows(db, WAITING) == [(1, "worse")]
    began = time.monotonic()
    round_of(db, world, held, [ENDED], 1)  # behind what waits, and without waiting for it again
    assert time.monotonic() - began < 0.5
    assert rows(db, WAITING) == [(1, "worse"), (1, "end")]
    holder.rollback()
    round_of(db, world, held, [], 2)
    assert rows(db, WAITING) == []
    assert rows(db, "SELECT kind FROM alarm_event JOIN alarm USING (alarm) WHERE subject = 1 ORDER BY event") == [
        ("onset",), ("worse",), ("end",)
    ]  # fmt: skip


def test_whoever_takes_the_partition_folds_what_waits_and_who_lost_it_does_not(
    db: Db, world: World, holder: psycopg.Connection
) -> None:
    held = take(db, 1, 2)
    round_of(db, world, held, [WORSE], 0)
    holder.rollback()
    taken = take(db, 1)
    round_of(db, world, {2: held[2]}, [], 1)
    assert rows(db, WAITING) == [(1, "worse")]
    round_of(db, world, taken, [], 1)
    assert rows(db, WAITING) == []
    assert rows(db, ALARMS) == [(1, True, 3, True)]


def test_a_message_that_a_stopped_notifier_holds_stops_no_round(db: Db, world: World, database: str) -> None:
    db.execute("INSERT INTO care_team (team, name) VALUES (3, 'North')")
    db.execute("INSERT INTO patient (patient, identity, team) VALUES (1, '', 3)")
    fold_unless_held(db, fold_conditions, [replace(RAISED, priority=Priority.HIGH)], [1])
    held = take(db, 1)
    with psycopg.connect(database) as notifier:
        assert notifier.execute("SELECT FROM notification FOR UPDATE").rowcount == 1
        round_of(db, world, held, [replace(ENDED, priority=Priority.MEDIUM), OTHER], 0)
        assert rows(db, "SELECT next_offset FROM ledger") == [(1,)]


def test_a_damaged_row_that_waits_is_dropped_and_stops_nothing(db: Db, world: World) -> None:
    held = take(db, 1)
    db.execute("INSERT INTO condition_waiting (partition, condition) VALUES (1, '{}'), (1, '[1]')")
    round_of(db, world, held, [RAISED], 0)
    assert rows(db, WAITING) == []
    assert rows(db, ALARMS) == [(1, True, 2, True)]
