from __future__ import annotations

import numpy as np

from devices.sample import SAMPLE, Status
from devices.vitals import Vital
from devices.wire.batch import Kind
from streams.store.recall import stored_since
from tests.alerts.conftest import Db
from tests.streams.engine.opening.test_opening import T
from tests.streams.engine.recall import samples_of
from tests.streams.producing import World
from tests.streams.store.storing import latest, store, take, to_store

HR, SPO2, TEMPERATURE = Vital.HEART_RATE, Vital.SPO2, Vital.TEMPERATURE


def test_readings_come_back_by_vital(db: Db, world: World) -> None:
    held = take(db, 1)
    payload = np.array([(T, np.nan, HR, Status.NAN, 0), (T, 97, SPO2, 0, 0), (T + 1, 60, HR, Status.ARTEFACT, 1)], SAMPLE)
    records = [world.record(Kind.SAMPLES, payload.tobytes(), patient=1, device=1001, gateway=101, count=2)]
    store(db, to_store(world, [*records, world.batch(65, [(T + 5, {HR: 80.0})])], held, latest=latest(
        (1, HR, 1001, T, 61, 0, T), (65, HR, 1065, T, 61, 0, T)
    )))  # fmt: skip
    assert samples_of(stored_since(db, 1, T, 10)) == [
        (HR, 1, 1001, T, Status.NAN, -1), (HR, 1, 1001, T + 1, Status.ARTEFACT, 60), (HR, 65, 1065, T + 5, 0, 80),
        (SPO2, 1, 1001, T, 0, 97),
    ]  # fmt: skip
    assert samples_of(stored_since(db, 1, T + 2, 10)) == [(HR, 65, 1065, T + 5, 0, 80)]
    assert {patient for _, patient, *_ in samples_of(stored_since(db, 1, T, 1))} == {1}
    assert not stored_since(db, 2, T, 10).values
