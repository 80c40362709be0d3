from __future__ import annotations

import numpy as np
import pytest

from devices.vitals import Vital
from streams.engine.writes import LATE
from tests.alerts.conftest import Db
from tests.streams.engine.opening.test_opening import T
from tests.streams.producing import World
from tests.streams.store.storing import rows, store, take, to_store

HR, SPO2, TEMPERATURE = Vital.HEART_RATE, Vital.SPO2, Vital.TEMPERATURE


@pytest.mark.parametrize("at_once", [1, 1024])
def test_a_minute_older_than_the_ring_is_computed_from_all_that_is_stored(
    db: Db, world: World, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr("streams.store.late.MINUTES_AT_ONCE", at_once)
    held = take(db, 1, 2)
    start = T // 60_000 * 60_000
    first = [(start + 1000, {HR: 60.0, SPO2: 97.0}), (start + 59_000, {HR: 70.0}), (start + 60_000, {HR: 99.0})]
    store(db, to_store(world, [world.batch(1, first)], held))
    named = [(p, vital, 1000 + p, p, start // 60_000, T // 1000, 2) for p in (1, 2) for vital in (HR, SPO2)]
    behind = world.batch(1, [(start + 31_000, {HR: 40.0})])  # behind the second in which the minute was named
    records = [world.batch(1, [(start + 30_000, {HR: 50.0})]), behind, world.batch(2, first)]
    late = to_store(world, records, held, first=1, late=np.array(named, LATE))
    take(db, 2)  # somebody else
    assert store(db, late).lost == {2}
    assert rows(db, "SELECT patient, vital, n, mean, min, max, first, last, poor FROM rollup_minute ORDER BY vital") == [
        (1, HR, 3, 60, 50, 70, 60, 70, 0),
        (1, SPO2, 1, 97, 97, 97, 97, 97, 0),
    ]
