from __future__ import annotations

import numpy as np

from devices.sample import Status
from devices.vitals import Vital
from devices.wire.event import Heartbeat
from tests.alerts.conftest import Db
from tests.streams.engine.opening.test_opening import T
from tests.streams.producing import World
from tests.streams.store.storing import latest, rows, store, take, to_store

HR, SPO2, TEMPERATURE = Vital.HEART_RATE, Vital.SPO2, Vital.TEMPERATURE


def test_latest_values_only_move_forward(db: Db, world: World) -> None:
    held = take(db, 1)
    seen = []
    for n, row in enumerate(
        [
            (1, HR, 1001, T, 61, 0, T),
            (1, HR, 1001, T - 1, 99, 0, T + 1),
            (1, HR, 1001, T, 60, 0, T + 2),
            (1, HR, 1001, T + 5, np.nan, Status.NAN, T + 3),
            (1, HR, 1001, T + 5, 70, 0, T + 4),
        ]
    ):
        store(db, to_store(world, [world.event(1, Heartbeat(T + n))], held, first=n, latest=latest(row)))
        seen += rows(db, "SELECT value, status FROM latest")
    assert seen == [(61, 0), (61, 0), (61, 0), (None, Status.NAN), (70, 0)]


def test_the_vitals_of_a_device_move_forward_each_by_itself(db: Db, world: World) -> None:
    held = take(db, 1)
    rounds = [
        latest((1, HR, 1001, T, 61, 0, T), (1, SPO2, 1001, T, 97, 0, T), (1, HR, 1002, T, 70, 0, T)),
        latest((1, HR, 1001, T + 2, 62, 0, T + 2), (1, SPO2, 1001, T + 1, 96, 0, T + 2)),  # all of them, later
        latest((1, SPO2, 1001, T + 3, 95, 0, T + 3)),  # one alone
        latest((1, HR, 1001, T + 1, 99, 0, T + 4), (1, SPO2, 1001, T + 4, 94, 0, T + 4)),  # one from before
        latest((1, TEMPERATURE, 1001, T - 9, 37, 0, T + 5), (1, HR, 1002, T, 70, 0, T + 5)),  # a new one; and one again
    ]
    for n, rows_of_round in enumerate(rounds):
        store(db, to_store(world, [world.event(1, Heartbeat(T + n))], held, first=n, latest=rows_of_round))
    ms = "(extract(epoch FROM {}) * 1000)::int8"
    query = f"SELECT device, vital, {ms.format('time')}, value, {ms.format('arrived')} FROM latest ORDER BY device, vital"
    assert rows(db, query) == [
        (1001, HR, T + 2, 62, T + 2),
        (1001, SPO2, T + 4, 94, T + 4),
        (1001, TEMPERATURE, T - 9, 37, T + 5),
        (1002, HR, T, 70, T),
    ]
    assert rows(db, f"SELECT device, {ms.format('newest')} FROM latest_of_device ORDER BY 1") == [(1001, T + 4), (1002, T)]
