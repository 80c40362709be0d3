from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import psycopg
import pytest

from devices.vitals import Vital
from devices.wire.control import Consent
from devices.wire.event import Heartbeat
from streams.engine.condition import Condition, Priority
from streams.engine.writes import ROLLUP
from streams.store.records import Snapshot
from tests.alerts.conftest import Db
from tests.streams.engine.opening.test_opening import T
from tests.streams.producing import World
from tests.streams.store.storing import latest, rollup, rows, store, take, to_store

HR, SPO2, TEMPERATURE = Vital.HEART_RATE, Vital.SPO2, Vital.TEMPERATURE


def test_a_partition_that_lost_its_ledger_writes_nothing_and_the_others_commit(db: Db, world: World) -> None:
    held = take(db, 1, 2)
    take(db, 1)  # somebody else
    conditions = [
        Condition(p, 1, patient, "spo2.low", 0, "onset", Priority.HIGH, "physiological") for p, patient in ((1, 1), (2, 2))
    ]
    records = [
        record
        for patient in (1, 2)
        for record in (
            world.batch(patient, [(T, {HR: 61.0})]),
            world.event(patient, Heartbeat(T)),
            world.control(patient, Consent(given=True, at=T)),
            replace(world.event(patient, Heartbeat(T)), value=b"rubbish"),
        )
    ]
    folded: list[Condition] = []
    todo = to_store(
        world,
        records,
        held,
        conditions=conditions,
        quarantined=[(0, "why"), (4, "why")],
        rollups=np.array([rollup(1, 61, 0), (2, HR, 1002, 2, 1, 3, 61, 1, 2, 1, 2, 0, 0.5, 4, 1, 0)], ROLLUP),
        latest=latest((1, HR, 1001, T, 61, 0, T), (2, HR, 1002, T, 61, 0, T)),
    )
    todo.snapshots.extend([Snapshot(1, 4, T, b"one"), Snapshot(2, 4, T, b"two")])
    done = store(db, todo, lambda _, some: folded.extend(some))
    assert done.lost == {1}
    assert [one.subject for one in folded] == [2]
    for table in ("reading", "event", "control", "quarantine", "rollup_minute", "latest"):
        assert rows(db, f"SELECT patient FROM {table}") == [(2,)], table
    for table in ("rejected", "engine_state"):
        assert rows(db, f"SELECT partition FROM {table}") == [(2,)], table
    assert rows(db, "SELECT partition, next_offset FROM ledger ORDER BY 1") == [(1, 0), (2, 4)]


def test_a_round_whose_commit_was_not_heard_of_is_not_written_again(db: Db, world: World) -> None:
    held = take(db, 1)
    todo = to_store(world, [world.batch(1, [(T, {HR: 61.0})])], held)
    folded: list[Condition] = []
    store(db, todo)
    again = store(db, todo, lambda _, some: folded.extend(some))
    assert again.again
    assert not again.lost
    assert rows(db, "SELECT count(*) FROM reading") == [(1,)]


def test_an_error_in_the_fold_leaves_nothing(db: Db, world: World) -> None:
    held = take(db, 1)
    condition = Condition(1, 1, 1, "spo2.low", 0, "onset", Priority.HIGH, "physiological")
    todo = to_store(world, [world.batch(1, [(T, {HR: 61.0})])], held, conditions=[condition])

    def broken(tx: psycopg.Connection, conditions: Sequence[Condition]) -> None:
        raise psycopg.OperationalError("gone")

    with pytest.raises(psycopg.OperationalError):
        store(db, todo, broken)
    assert rows(db, "SELECT count(*) FROM reading") == [(0,)]
    assert rows(db, "SELECT next_offset FROM ledger") == [(0,)]
    assert store(db, todo).readings == 1
