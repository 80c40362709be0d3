from __future__ import annotations

import numpy as np
import psycopg
import pytest

from deploy.schema.migrate import migrate
from devices.event import Heartbeat
from devices.vitals import Vital
from tests.streams.producing import World, now_ms, produce, stored_values
from tests.streams.worker_process import WorkerProcess, wait_for_ledger

HR, SPO2, TEMPERATURE = Vital.HEART_RATE, Vital.SPO2, Vital.TEMPERATURE
pytestmark = [pytest.mark.stack, pytest.mark.partitions(4)]


@pytest.fixture
def world():
    return World([1, 2, 3, 65])


@pytest.fixture
def start(world, kafka, topic, home):
    """`start(database)`: a worker on this test's topic; the database is migrated and seeded the first time."""
    key = world.write_master(home)
    ready = set()

    def start(database, **options):
        if database not in ready:
            migrate(database)
            world.seed(database)
            ready.add(database)
        return WorkerProcess(database, kafka.bootstrap, topic, key, **options)

    return start


def readings(start, n, every=1000, base=60):
    return [(start + i * every, {HR: float(base + i % 40), SPO2: float(97 - i % 3)}) for i in range(n)]


def as_stored(readings):
    return [(t, {vital.name.lower(): value for vital, value in values.items()}) for t, values in readings]


@pytest.mark.parametrize("transport", ["ledger", "stock"])
def test_what_is_produced_is_stored_value_by_value(start, world, kafka, topic, plain_database, transport):
    t = now_ms() - 120_000
    sent = {patient: readings(t, 60, base=50 + patient) for patient in world.patients}
    records = world.admission()
    records += [world.batch(p, some[i : i + 20]) for p, some in sent.items() for i in range(0, 60, 20)]
    records += [world.event(1, Heartbeat(t))]
    with start(plain_database, transport=transport) as worker:
        produce(kafka.client(), topic, records)
        wait_for_ledger(plain_database, len(records))
        assert worker.stop() == 0
    for patient, some in sent.items():
        assert stored_values(plain_database, patient) == as_stored(some)
    with psycopg.connect(plain_database) as db:
        assert db.execute("SELECT count(*) FROM rejected").fetchone() == (0,)
        assert db.execute("SELECT count(*) FROM event").fetchone() == (1,)
        assert db.execute("SELECT count(*), min(value) FROM latest WHERE vital = 1").fetchone() == (4, 69.0 + 51 - 50)
