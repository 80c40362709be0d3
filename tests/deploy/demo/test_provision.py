"""A home of the demo that is started in turn with Bluetooth and without."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import psycopg
import pytest

from alerts.care.admit import discharge_patient
from alerts.care.enrol import end_enrolment, transfer
from deploy.demo.plan import DEMO, Plan
from deploy.demo.provision import Provisioned, bring_in_line, kept
from deploy.errors import DeployError
from deploy.schema.migrate import migrate
from devices.wire.sealing import new_key

MASTER = new_key()
WITHOUT = DEMO.without_bluetooth()


@pytest.fixture
def migrated(plain_database: str) -> str:
    migrate(plain_database)
    return plain_database


def start(database: str, plan: Plan) -> Provisioned:
    return bring_in_line(database, MASTER, plan, kept(database, MASTER, plan))


def worn(database: str) -> set[tuple[int, str]]:
    """(patient, address) of all enrolments of now."""
    with psycopg.connect(database) as db:
        rows = db.execute("SELECT patient, address FROM enrolment JOIN device USING (device) WHERE until IS NULL").fetchall()
    assert len(rows) == len(set(rows))
    return set(rows)


def planned(plan: Plan, done: Provisioned) -> set[tuple[int, str]]:
    return {(done.patients[plan.people.index(person)], wearable.address) for person, wearable in plan.wearables}


def test_a_folder_that_was_set_up_for_others_is_refused_with_what_to_do(migrated: str) -> None:
    recordings = Plan(team="Recordings", homes=("Replay",), people=DEMO.people[:2], staff=DEMO.staff[:1])
    start(migrated, recordings)
    for plan in (DEMO, replace(recordings, people=DEMO.people[:3]), replace(recordings, team="Others")):
        with pytest.raises(DeployError, match=r"set up for 2 other patients \(Recordings\): name another with --home"):
            start(migrated, plan)


@pytest.mark.parametrize("order", [(DEMO, WITHOUT, DEMO, WITHOUT), (WITHOUT, DEMO, WITHOUT)], ids=["with", "without"])
def test_each_start_has_everybody_wear_what_can_speak(migrated: str, order: tuple[Plan, ...]) -> None:
    first = start(migrated, order[0])
    seen = dict(first.devices)
    for plan in order:
        done = start(migrated, plan)
        assert worn(migrated) == planned(plan, done)
        assert (done.patients, done.gateways) == (first.patients, first.gateways)
        assert done.devices.keys() == {wearable.address for _, wearable in plan.wearables}
        assert all(seen.setdefault(address, device) == device for address, device in done.devices.items())
        assert start(migrated, plan) == done
    with psycopg.connect(migrated) as db:  # what a gateway and the engine hear of is what the last start enrolled
        (count,) = db.execute(
            "SELECT count(*) FROM (SELECT DISTINCT ON (patient) payload FROM control_outbox WHERE kind = 'enrolment'"
            " ORDER BY patient, sequence DESC) newest, jsonb_array_elements(payload->'devices') one"
            " WHERE one->>'until' IS NULL"
        ).fetchone() or (0,)
    assert count == len(order[-1].wearables)


def test_what_people_changed_stays_as_it_is(migrated: str) -> None:
    done = start(migrated, DEMO)
    first, second, third, *_, last = done.patients
    now = datetime.now(UTC)
    with psycopg.connect(migrated) as tx:
        end_enrolment(tx, done.devices["ring-3"], now, by=1)
        transfer(tx, MASTER, done.devices["patch-1"], second, done.gateways[0], now, by=1)
        discharge_patient(tx, first, datetime.now(UTC), by=1)
    without = start(migrated, WITHOUT)
    found = worn(migrated)
    assert found == planned(WITHOUT, without) - {(third, "ring-3"), (first, "patch-1"), (first, "ring-1")} | {
        (second, "patch-1")
    }
    assert (last, "patch-6") in found
