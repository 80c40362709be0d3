"""A small ward: a team, people, two patients, a gateway and devices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from alerts.care.admit import admit_patient
from alerts.care.devices import add_device
from alerts.care.gateways import add_gateway
from alerts.care.identity import Identity
from alerts.care.teams import add_team
from devices.wire.control import Facts, decode_control
from tests.alerts.conftest import Db, migrated_database

MASTER = bytes(range(32))
ADA = Identity(family="Exampleton", given="Ada", born="1945-07-14", sex="female", record_number="VT-4174-4")
BRUNO = Identity(family="Testwell", given="Bruno", born="1958-03-02", record_number="VT-4211-1")
BEGAN = datetime(2026, 11, 22, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture(scope="session", params=["plain", pytest.param("timescale", marks=pytest.mark.full)])
def migrated(request: pytest.FixtureRequest) -> Iterator[str]:
    """None of this room's tables is a hypertable: the second kind only in the full matrix."""
    yield from migrated_database(request)


@dataclass
class Ward:
    team: int
    ada: int
    bruno: int
    gateway: int
    oximeter: int
    belt: int


@pytest.fixture
def ward(db: Db) -> Ward:
    with db.transaction():
        team = add_team(db, "North", ["log"])
        return Ward(
            team=team,
            ada=admit_patient(db, MASTER, ADA, team, Facts(), by=1),
            bruno=admit_patient(db, MASTER, BRUNO, team, Facts(spo2_scale=2), by=1),
            gateway=add_gateway(db, "Home 1"),
            oximeter=add_device(db, "oximeter", "ble", "C0:DE:00:00:00:02", 1),
            belt=add_device(db, "belt", "ble", "C0:DE:00:00:00:01", 1),
        )


def sent(db: Db, patient: int, kind: str | None = None) -> list[Any]:
    """The control records queued for a patient, in order."""
    rows = db.execute(
        "SELECT payload FROM control_outbox WHERE patient = %s AND (%s::text IS NULL OR kind = %s) ORDER BY sequence",
        [patient, kind, kind],
    )
    return [decode_control(msgspec.json.encode(payload)) for (payload,) in rows]
