from __future__ import annotations

from dataclasses import replace

import numpy as np

from devices.vitals import Vital
from devices.wire.control import Consent
from devices.wire.event import Heartbeat
from streams.store.records import Snapshot
from tests.alerts.conftest import Db
from tests.streams.engine.opening.test_opening import T
from tests.streams.producing import World
from tests.streams.store.storing import rows, store, take, to_store

HR, SPO2, TEMPERATURE = Vital.HEART_RATE, Vital.SPO2, Vital.TEMPERATURE


def test_events_controls_rejections_and_quarantine_keep_their_place_in_the_log(db: Db, world: World) -> None:
    held = take(db, 1)
    records = [
        world.event(1, Heartbeat(T, waiting=3)),
        world.control(1, Consent(given=True, at=T)),
        replace(world.batch(1, [(T, {HR: 61})]), value=b"rubbish"),
        world.batch(1, [(T, {HR: 61})]),
    ]
    todo = to_store(world, records, held, accepted=np.zeros(1, bool), quarantined=[(3, "measured before the enrolment")])
    store(db, todo)
    assert rows(db, "SELECT patient, device, gateway, kind, value->>'waiting', at_offset FROM event") == [
        (1, 0, 101, "heartbeat", "3", 0)
    ]
    assert rows(db, "SELECT patient, partition, kind, at_offset, epoch, sequence, payload->>'given' FROM control") == [
        (1, 1, "consent", 1, 7, 1, "true")
    ]
    assert rows(db, "SELECT partition, at_offset, reading, reason, record FROM rejected") == [
        (1, 2, -1, "shorter than a header", b"rubbish")
    ]
    found = rows(db, "SELECT at_offset, reason, patient, device, gateway, record FROM quarantine")
    assert found == [(3, "measured before the enrolment", 1, 1001, 101, records[3].value)]


def test_a_snapshot_replaces_the_one_before(db: Db, world: World) -> None:
    held = take(db, 1)
    for n in range(2):
        todo = to_store(world, [world.event(1, Heartbeat(T + n))], held, first=n)
        todo.snapshots.append(Snapshot(1, n + 1, T, b"state %d" % n))
        store(db, todo)
    assert rows(db, "SELECT partition, at_offset, state FROM engine_state") == [(1, 2, b"state 1")]
