from __future__ import annotations

import numpy as np

from devices.vitals import Vital
from devices.wire.event import Heartbeat
from streams.engine.writes import ROLLUP
from tests.alerts.conftest import Db
from tests.streams.engine.opening.test_opening import T
from tests.streams.producing import World
from tests.streams.store.storing import rollup, rows, store, take, to_store

HR, SPO2, TEMPERATURE = Vital.HEART_RATE, Vital.SPO2, Vital.TEMPERATURE


def test_a_minute_is_replaced_and_says_at_which_record_it_changed(db: Db, world: World) -> None:
    held = take(db, 1)
    minute = T // 60_000
    heartbeats = [world.event(1, Heartbeat(T + n)) for n in range(3)]
    both = np.array([rollup(minute, 61, T // 1000), rollup(minute, 62, T // 1000 + 2, 2)], ROLLUP)
    store(db, to_store(world, heartbeats, held, rollups=both))
    query = "SELECT mean, std, slope, poor, n, changed_offset, extract(epoch FROM time)::int8 FROM rollup_minute"
    assert rows(db, query) == [(62, None, 0.5, 4, 3, 2, minute * 60)]
    store(db, to_store(world, heartbeats[:1], held, first=3, rollups=np.array([rollup(minute, 63, 0, 3)], ROLLUP)))
    assert rows(db, query) == [(63, None, 0.5, 4, 3, 3, minute * 60)]
